#!/usr/bin/lua5.4
-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- What editors, luacheck and readers are told of the language is the language:
-- the words and fields of lua/sg.d.lua and lua/luacheckrc are those of lua/sg/,
-- no more and no fewer, and the pages in doc/ have all of them.

local SOURCE <const> = os.getenv "SG_SRCDIR" or "."

local function read(name)
  local file <close> = assert(io.open(SOURCE .. "/" .. name))
  return file:read "a"
end

-- TAP.

local n = 0

-- Compares two sets, tables with what is in them as keys.
local function same(what, told, is)
  local wrong = {}
  for name in pairs(told) do
    if not is[name] then
      wrong[#wrong + 1] = "# " .. name .. " is told of and is not there"
    end
  end
  for name in pairs(is) do
    if not told[name] then
      wrong[#wrong + 1] = "# " .. name .. " is there and not told of"
    end
  end
  if not next(is) then
    wrong[#wrong + 1] = "# there is nothing to compare"
  end
  table.sort(wrong)
  n = n + 1
  print(("%sok %d - %s"):format(wrong[1] and "not " or "", n, what))
  for _, line in ipairs(wrong) do
    print(line)
  end
end

-- `pairs', in order.
local function sorted(t)
  local keys = {}
  for key in pairs(t) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  local i = 0
  return function()
    i = i + 1
    return keys[i], t[keys[i]]
  end
end

-- The language as it is, with a host that does as much as loading needs.

local host = {}
local modules = {}

function host.import(name)
  if not modules[name] then
    local chunk = assert(load(read("lua/sg/lang/" .. name .. ".lua"),
                              "=" .. name))
    modules[name] = chunk(host)
  end
  return modules[name]
end

function host.word(f)
  return function(...) return f({ file = "test", line = 1 }, ...) end
end

function host.suggest() end
function host.log() end

-- The names of environment 'env', and the members of its libraries.
local function names_of(env)
  local names, members = {}, {}
  for name, v in next, debug.getmetatable(env).__index do
    names[name] = true
    if _G[name] and type(v) == "table" then
      members[name] = {}
      for member in pairs(_G[name]) do
        local known = pcall(function() return v[member] ~= nil or error() end)
        members[name][member] = known and v[member] ~= modules.report.poison
                                or nil
      end
    end
  end
  return names, members
end

local policy, libraries = names_of(host.import("env").policy)
local tests = names_of(host.import("test").env)

-- The names in the table 'variable' of a file of the language: its keys, or
-- the strings in it.
local function keys_in(file, variable)
  local text = read("lua/sg/" .. file):match(variable .. " <const> = (%b{})")
  assert(text, file .. " has no " .. variable)
  local keys = {}
  for key in text:gmatch "([%a_][%w_]*) =" do
    keys[key] = true
  end
  for key in text:gmatch '"([%w_]+)"' do
    keys[key] = true
  end
  return keys
end

-- What the annotations say.

local text = read "lua/sg.d.lua"
assert(load(text, "=sg.d.lua"))

local told = {}
for name in text:gmatch "\nfunction ([%w_]+)%(" do
  told[name] = true
end
for name in text:gmatch "\n([%w_]+) = " do
  told[name] = true
end

local words = {}
for _, names in ipairs { policy, tests } do
  for name in pairs(names) do
    -- The language server knows Lua's own.
    words[name] = not _G[name] or nil
  end
end
same("sg.d.lua: words", told, words)

local classes = {}
local class
for line in text:gmatch "[^\n]*" do
  local name, parent = line:match "^%-%-%-@class ([%w_.]+):? ?([%w_.]*)"
  local field = line:match "^%-%-%-@field ([%w_]+)"
  if name then
    class = {}
    classes[name] = class
    for inherited in pairs(classes[parent] or {}) do
      class[inherited] = true
    end
  elseif field then
    class[field] = true
  elseif not line:match "^%-%-%-" then
    class = nil
  end
end

-- The fields of all 'names' together.
local function fields(...)
  local all = {}
  for _, name in ipairs { ... } do
    for field in pairs(assert(classes[name], name)) do
      all[field] = true
    end
  end
  return all
end

same("sg.d.lua: keys of rules",
     fields("sg.RuleSpec", "sg.PortRuleSpec", "sg.IcmpRuleSpec",
            "sg.IpRuleSpec"), keys_in("lang/rules.lua", "KEYS"))
same("sg.d.lua: keys of groups", fields "sg.GroupSpec",
     keys_in("lang/groups.lua", "GROUP_KEYS"))
same("sg.d.lua: keys of bind", fields "sg.BindSpec",
     keys_in("lang/bind.lua", "KEYS"))
same("sg.d.lua: keys of where", fields "sg.BindWhere",
     keys_in("lang/bind.lua", "WHERE_KEYS"))
same("sg.d.lua: fields of a port", fields "sg.Port",
     keys_in("lang/bind.lua", "PORT_FIELDS"))
local options = keys_in("lang/addresses.lua", "OPTIONS")
options.resolve = true
same("sg.d.lua: keys of addresses", fields "sg.AddressesSpec", options)
same("sg.d.lua: keys of a port in a test", fields "sg.TestPort",
     keys_in("lang/test.lua", "PORT_KEYS"))
same("sg.d.lua: keys of what is expected", fields "sg.Expectation",
     keys_in("lang/test.lua", "FLOW_KEYS"))

-- The library.

local env = setmetatable({}, { __index = _G })
env.require = function(name)
  local chunk = assert(load(read("lua/" .. name:gsub("%.", "/") .. ".lua"),
                            "=" .. name, "t", env))
  return chunk()
end
for _, name in ipairs { "sg.services", "sg.patterns" } do
  local there = {}
  for key in pairs(env.require(name)) do
    there[key] = true
  end
  same("sg.d.lua: " .. name, fields(name), there)
end

local specs = { tier_to_tier = "sg.TierToTier", bastion = "sg.Bastion",
                load_balancer = "sg.LoadBalancer",
                monitored = "sg.Monitored" }
local patterns = read "lua/sg/patterns.lua"
for name, spec in sorted(specs) do
  local known = {}
  for key in patterns:match('check%("' .. name .. '", t, (%b{})'):gmatch
             "([%w_]+) =" do
    known[key] = true
  end
  same("sg.d.lua: keys of patterns." .. name, fields(spec), known)
end

-- The pages.

-- What stands in backquotes in page 'name'.
local function quoted(name)
  local all = {}
  for text in read("doc/" .. name):gsub("```.-```", ""):gmatch "`([^`]+)`" do
    for word in text:gmatch "[%w_]+" do
      all[word] = true
    end
  end
  return all
end

-- Are the 'words' in 'page'?
local function has_all(what, page, words_)
  local there = {}
  for word in pairs(words_) do
    there[word] = page[word]
  end
  same(what, there, words_)
end

local pages = quoted "lua-api.md"
local own = {}
for name in pairs(policy) do
  own[name] = not _G[name] or nil
end
has_all("lua-api.md: words", pages, own)
for _, name in ipairs { "sg.RuleSpec", "sg.IcmpRuleSpec", "sg.IpRuleSpec",
                        "sg.GroupSpec", "sg.BindSpec", "sg.BindWhere",
                        "sg.Port", "sg.AddressesSpec", "sg.TierToTier",
                        "sg.Bastion", "sg.LoadBalancer", "sg.Monitored",
                        "sg.patterns" } do
  has_all("lua-api.md: " .. name, pages, fields(name))
end
local page = quoted "policy-tests.md"
own = {}
for name in pairs(tests) do
  own[name] = not _G[name] or nil
end
has_all("policy-tests.md: words", page, own)
has_all("policy-tests.md: ports and connections", page,
        fields("sg.TestPort", "sg.Expectation"))

-- All words of the manual page, its examples too.
page = {}
for word in read "man/ovs-sg-policy.5":gsub("\\f[BIR]", " ")
    :gmatch "[%w_]+" do
  page[word] = true
end
own = {}
for _, names in ipairs { policy, tests } do
  for name in pairs(names) do
    own[name] = not _G[name] or nil
  end
end
has_all("ovs-sg-policy.5: words", page, own)
has_all("ovs-sg-policy.5: keys of the language", page,
        fields("sg.RuleSpec", "sg.PortRuleSpec", "sg.IcmpRuleSpec",
               "sg.IpRuleSpec", "sg.GroupSpec", "sg.BindSpec",
               "sg.BindWhere", "sg.Port", "sg.AddressesSpec",
               "sg.TestPort", "sg.Expectation", "sg.patterns"))

local rows, services = {}, {}
for name, ports in read "doc/lua-api.md":gmatch "\n| `([%w_]+)` | ([^|]*) | " do
  local proto = ports:match "^%l+"
  rows[name .. ": " .. ports] = (proto == "tcp" or proto == "udp"
                                 or proto == "icmp") or nil
end
services["ping: icmp, icmp6 echo-request"] = true
for name, word, rest in read "lua/sg/services.lua":gmatch
    "function services%.([%w_]+)%(t%)\n  return (%w+)(%b())" do
  local ports = rest:match "t, {? ?([%d, ]-) ?}?, \""
  if ports then
    services[name .. ": " .. (word == "both" and "tcp, udp" or word) .. " "
             .. ports] = true
  end
end
same("lua-api.md: services and their ports", rows, services)

-- luacheck.

local config = { files = {} }
assert(load(read "lua/luacheckrc", "=luacheckrc", "t", config))()

local function globals_of(read_globals)
  local names = {}
  for key, v in pairs(read_globals) do
    names[type(key) == "string" and key or v] = true
  end
  return names
end

local globals = globals_of(config.read_globals)
same("luacheckrc: names of policies", globals, policy)
for name, members in sorted(libraries) do
  local known = {}
  for _, member in ipairs(config.read_globals[name].fields) do
    known[member] = true
  end
  same("luacheckrc: " .. name, known, members)
end
for pattern, file in sorted(config.files) do
  local more = globals_of(file.read_globals)
  local is = {}
  for name in pairs(tests) do
    is[name] = not globals[name] or nil
  end
  same("luacheckrc: names of tests, " .. pattern, more, is)
end

local function luacheck(files)
  local pipe = io.popen(("cd '%s' && luacheck --no-color --no-cache "
                         .. "--config lua/luacheckrc %s 2>&1")
                        :format(SOURCE, files))
  local output = pipe:read "a"
  return pipe:close(), output
end

local good, output = luacheck("lua/sg/services.lua lua/sg/patterns.lua "
                              .. "examples")
n = n + 1
print(("%sok %d - luacheck finds nothing in the library and the examples")
      :format(good and "" or "not ", n))
print((output:gsub("[^\n]+", "# %0")))
local bad = os.tmpname()
local file <close> = assert(io.open(bad, "w"))
file:write 'local unused = 1\ngrup "x" {}\nallowed {}\n'
file:flush()
good, output = luacheck(bad)
os.remove(bad)
n = n + 1
print(("%sok %d - luacheck finds what is wrong"):format(
  not good and output:find "unused" and output:find "'grup'"
  and output:find "'allowed'" and "" or "not ", n))
print("1.." .. n)
