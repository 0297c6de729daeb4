-- What handles are to an author.
local web = group "web" { ingress = { tcp { 80, from = any } } }
assert(tostring(web) == 'group "web"')
assert(tostring(any) == "any")
assert(tostring(prefix_list "p" { "192.0.2.0/24" }) == 'prefix_list "p"')
assert(web == group "web" and web ~= group "default"
       and web ~= prefix_list "web" {})
assert(web.name == "web" and #web == 0)
local rule = tcp { 80, from = web }
assert(tostring(rule):match "^the rule tcp of handles.lua:%d+$")
assert(type(rule) == "table" and getmetatable(rule) == false)
assert(rawget(web, "name") == nil)
print("a message", 1, nil, web)
warn "a warning"
