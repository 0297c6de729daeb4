-- Errors in and through templates show who called.
local function ssh(peer)
  return tcp { 22, form = peer }
end

local function wrapped(peer)
  local rule = ssh(peer)
  return rule
end

local function forgetful(peer)
  tcp { 23, from = peer }
end

group "a" { ingress = { ssh(any), forgetful(any), tcp { 80, from = any } } }
group "b" {
  ingress = {
    wrapped(group "a"),
  },
}
local function broken(t)
  return t.x.y
end
group "c" { ingress = { broken {} } }
