-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- Arrangements of groups that come up again and again, as rules for their
-- sides:
--
--   local services = require "sg.services"
--   local patterns = require "sg.patterns"
--
--   local db = patterns.tier_to_tier {
--     from = group "app", to = group "db", service = services.postgres,
--   }
--
--   group "app" { ingress = { ... }, egress = { db.from } }
--   group "db" { ingress = { db.to } }
--
-- A pattern takes one table and defines nothing: which groups there are, and
-- what else they allow, is said where they are defined.  Where a pattern has
-- several sides it returns a table with a list of rules for each.
--
-- A service is a function of sg.services (services.https), or one made there
-- (services.tcp(8080, "application")), or a list of those.

local services = require "sg.services"

---@type sg.patterns
local patterns = {}

-- What in sg.services is no service, but makes one.
local WORDS <const> = { tcp = true, udp = true, sctp = true }

-- Checks the table 't' of a call of 'pattern': 'keys' are those that it may
-- have; those that it must have have the value true.
local function check(pattern, t, keys)
  local name = "patterns." .. pattern
  if type(t) ~= "table" or getmetatable(t) ~= nil then
    error(name .. " takes one table in braces", 3)
  end
  for key in pairs(t) do
    if keys[key] == nil then
      error(("%s has no key %q"):format(name, tostring(key)), 3)
    end
  end
  for key, needed in pairs(keys) do
    if needed and t[key] == nil then
      error(("%s needs %q"):format(name, key), 3)
    end
  end
end

-- The rules of 'service' with the peer 'peer' under 'key', "from" or "to".
local function rules_of(service, key, peer, description)
  if type(service) == "table" and getmetatable(service) == nil then
    local rules = {}
    for i, s in ipairs(service) do
      rules[i] = rules_of(s, key, peer, description)
    end
    return rules
  elseif type(service) ~= "function" and type(service) ~= "table" then
    error("a service is a function of sg.services, not a " .. type(service))
  end
  return service { [key] = peer, description = description }
end

-- Everything, among the members of a group:
--
--   group "cluster" { ingress = { patterns.among(group "cluster") } }
--
-- Without services it is all traffic.
function patterns.among(members, service)
  if service == nil then
    return all { from = members, description = "members among themselves" }
  end
  return rules_of(service, "from", members)
end

-- Members of the group 'from' may use a service of the group 'to'.  Returns
-- { from = egress of the one, to = ingress of the other }.
function patterns.tier_to_tier(t)
  check("tier_to_tier", t, { from = true, to = true, service = true,
                             description = false })
  return {
    from = rules_of(t.service, "to", t.to, t.description),
    to = rules_of(t.service, "from", t.from, t.description),
  }
end

-- SSH goes to 'targets' through the group 'bastion' only, and into that from
-- the peer 'from'.  Another 'service' (RDP, say) may come instead.  Returns
-- { bastion = { ingress =, egress = }, targets = ingress }.
function patterns.bastion(t)
  check("bastion", t, { bastion = true, from = true, targets = true,
                        service = false })
  local service = t.service or services.ssh
  return {
    bastion = {
      ingress = { rules_of(service, "from", t.from) },
      egress = { rules_of(service, "to", t.targets) },
    },
    targets = { rules_of(service, "from", t.bastion) },
  }
end

-- Everybody in 'from' (without it: any) reaches the service 'listen' of the
-- group 'balancer', and that alone reaches 'forward' and 'health' of the group
-- 'targets'.  Returns { balancer = { ingress =, egress = }, targets =
-- ingress }.
function patterns.load_balancer(t)
  check("load_balancer", t, { balancer = true, targets = true, listen = true,
                              forward = true, from = false,
                              health = false })
  local behind = { t.forward, t.health }
  return {
    balancer = {
      ingress = { rules_of(t.listen, "from", t.from or any) },
      egress = { rules_of(behind, "to", t.targets) },
    },
    targets = { rules_of(behind, "from", t.balancer) },
  }
end

-- What a monitoring system, the peer 'from', needs: ping, and a 'service'
-- (without it: the node exporter of Prometheus).  For ingress.
function patterns.monitored(t)
  check("monitored", t, { from = true, service = false })
  return {
    services.ping { from = t.from, description = "monitoring" },
    rules_of(t.service or services.node_exporter, "from", t.from),
  }
end

-- For egress: nothing but these services, each at its peer.
--
--   egress = patterns.egress { dns = "192.0.2.53", https = any }
function patterns.egress(t)
  local known = {}
  for name in pairs(services) do
    if not WORDS[name] then
      known[name] = false
    end
  end
  check("egress", t, known)
  local rules = {}
  for name, peer in pairs(t) do
    rules[#rules + 1] = services[name] { to = peer }
  end
  return rules
end

return patterns
