-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- The words of policy tests: policy ports members addresses allowed refused
-- groups.
--
-- A test file does not run the test, it writes it down: every word records a
-- *step* with its place, and `ovs-sgctl test' (plugin/ctl/test-command.c)
-- takes the steps in order.
--
--   STEP  = { kind = "policy", place =, paths = { STRING... } }
--         | { kind = "ports", place =, ports = { PORT... } }
--         | { kind = "members", place =, group =, network =,
--             entries = { STRING... } }
--         | { kind = "addresses", place =, name =, entries = { STRING... } }
--         | { kind = "allowed" or "refused", place =, from = { STRING... },
--             to = { STRING... }, family =, description =,
--             flows = { { proto = "tcp", port = "80" }... } }
--         | { kind = "groups", place =, port = NAME,
--             groups = { STRING... } }     -- absent: is not guarded
--
-- PORT is a port of `ovs-sgctl compile --ports' (policy/port.h).

local host = ...

local report = host.import "report"
local handle = host.import "handle"
local value = host.import "value"
local strict = host.import "strict"

local test = { words = {} }

local steps = {}

-- Most ports that one range in an assertion may have: each is asked.
local MAX_RANGE <const> = 1024

local EXAMPLES <const> = {
  policy = 'policy "web.lua"',
  ports = 'ports { web1 = { groups = "web", addresses = "192.0.2.10" } }',
  members = 'members "web" { "192.0.2.10" }',
  addresses = 'addresses "crm" { "192.0.2.10" }',
  allowed = 'allowed { from = "web1", to = "db1", tcp = 5432 }',
  refused = 'refused { from = "web1", to = "db1", tcp = 22 }',
  groups = 'groups { db1 = { "db" } }',
}

-- Reads values of one step, and notes whether they were any good.
local Reader = {}
Reader.__index = Reader

local function reader(place, word)
  return setmetatable({ place = place, word = word, good = true }, Reader)
end

function Reader:error(format, ...)
  report.error(self.place, format, ...)
  self.good = false
end

-- Complains that 'v', the value of 'what', is not 'wanted'.
function Reader:expected(what, wanted, v)
  if report.is_poison(v) then
    self.good = false
  else
    self:error("%s of %s must be %s, not %s: write %s", what, self.word,
               wanted, value.show(v), EXAMPLES[self.word])
  end
end

function Reader:string(what, v)
  if v ~= nil and type(value.any(v, {})) ~= "string" then
    self:expected(what, "a string", v)
    return nil
  end
  return v
end

-- Appends the strings in 'v', a string, a named thing or a list of those, to
-- 'out'.
function Reader:strings(what, v, out, depth)
  local d = handle.get(v)
  depth = depth or 0
  if value.is_table(v) and depth < value.MAX_DEPTH then
    local keys, largest, n, odd = value.parts(v)
    if keys[1] or odd ~= nil or largest > n then
      self:error("%s of %s must be a string or a list of strings, without "
                 .. "keys and holes: write %s", what, self.word,
                 EXAMPLES[self.word])
      return out
    end
    for i = 1, n do
      self:strings(what, rawget(v, i), out, depth + 1)
    end
  elseif d and type(d.name) == "string" then
    out[#out + 1] = d.name
  else
    out[#out + 1] = self:string(what, v == nil and false or v)
  end
  return out
end

-- A table with keys out of 'known', a list, for 'what'.
function Reader:check_keys(what, t, known)
  local keys, largest, _, odd = value.parts(t)
  local is_known = {}
  for _, key in ipairs(known) do
    is_known[key] = true
  end
  for _, key in ipairs(keys) do
    if not is_known[key] then
      self:error("%s has no key %s%s", what, report.quote(key),
                 report.suggestion(key, known))
    end
  end
  if largest > 0 or odd ~= nil then
    self:error("%s has a value without a key: write %s", what,
               EXAMPLES[self.word])
  end
end

-- Makes 'word', which takes one table of the author's: 'read(r, t)' returns a
-- list of steps.
local function table_word(word, read)
  test.words[word] = host.word(function(place, t, ...)
    local r = reader(place, word)
    if report.is_poison(t) then
      return
    elseif not value.is_table(t) or select("#", ...) > 0 then
      r:error("%s takes one table in braces, not %s: write %s", word,
              select("#", ...) > 0 and "several arguments"
              or value.describe(t), EXAMPLES[word])
      return
    end
    local made = read(r, t)
    if r.good then
      for _, step in ipairs(made) do
        step.place = place
        steps[#steps + 1] = step
      end
    end
  end)
end

-- policy "FILE", policy { "FILE", ... }

test.words.policy = host.word(function(place, v, ...)
  local r = reader(place, "policy")
  local paths = select("#", ...) == 0 and r:strings("the file", v, {}) or {}
  if r.good and not paths[1] then
    r:error("policy names no file: write %s", EXAMPLES.policy)
  elseif r.good then
    steps[#steps + 1] = { kind = "policy", place = place, paths = paths }
  end
end)

-- ports { NAME = { ... } }

local PORT_KEYS <const> = { "groups", "addresses", "mac", "network", "bridge",
                            "tag", "trunks", "vlan_mode", "type", "ofport",
                            "external_ids" }

-- Keys that stand for one of external_ids.
local IDS <const> = { groups = "sg-groups", addresses = "sg-addresses",
                      mac = "attached-mac", network = "sg-network" }

-- The external_ids of a port that is described by 't', or nil.
local function external_ids(r, t)
  local ids = {}
  local given = rawget(t, "external_ids")
  if given ~= nil and not value.is_table(given) then
    r:expected("external_ids", "a table of KEY = \"VALUE\"", given)
  elseif given ~= nil then
    for _, key in ipairs((value.parts(given))) do
      ids[key] = r:string("external_ids", rawget(given, key))
    end
  end
  for key, id in next, IDS do
    local v = rawget(t, key)
    if v ~= nil then
      ids[id] = table.concat(r:strings(key, v, {}), " ")
    end
  end
  return next(ids) and ids or nil
end

local function port_of(r, name, t)
  local what = "port " .. report.quote(name)
  if not value.is_table(t) then
    r:expected(what, "a table", t)
    return
  end
  r:check_keys(what, t, PORT_KEYS)
  local port = { name = name, external_ids = external_ids(r, t) }
  for _, key in ipairs { "bridge", "vlan_mode", "type" } do
    port[key] = r:string(key, rawget(t, key))
  end
  for _, key in ipairs { "tag", "ofport", "trunks" } do
    local v = rawget(t, key)
    port[key] = v ~= nil and value.any(v, {}) or nil
  end
  return port
end

table_word("ports", function(r, t)
  local names, largest, _, odd = value.parts(t)
  local ports = {}
  if largest > 0 or odd ~= nil then
    r:error("ports has a port without a name: write %s", EXAMPLES.ports)
  end
  for _, name in ipairs(names) do
    r:string("the name of a port", name)
    ports[#ports + 1] = port_of(r, name, rawget(t, name))
  end
  return { { kind = "ports", ports = ports } }
end)

-- members "NAME" { ADDRESS... }, addresses "NAME" { ADDRESS... }

local waiting = {}              -- Handles without their lists.

-- Makes 'word', which takes a name and then a list; 'complete(r, step, t)'
-- takes from the list what is not in it, and puts it into the step.
local function list_word(word, name_key, complete)
  handle.kind(word, function(d)
    return word .. " " .. report.quote(d.name)
  end, function(place, _, d, t, ...)
    local r = reader(place, word)
    d.defined = true
    if not value.is_table(t) or select("#", ...) > 0 then
      r:expected("the list", "one table", t)
      return
    end
    local step = { kind = word, place = place, [name_key] = d.name }
    step.entries = r:strings("an address", complete(r, step, t), {})
    if r.good then
      steps[#steps + 1] = step
    end
  end)
  test.words[word] = host.word(function(place, name)
    local r = reader(place, word)
    local names = r:strings("the name", name, {})
    if not r.good or #names ~= 1 then
      return report.poison
    end
    local d = { name = names[1], place = place }
    waiting[#waiting + 1] = d
    return handle.new(word, d)
  end)
end

list_word("members", "group", function(r, step, t)
  local list = {}
  step.network = r:string("network", rawget(t, "network"))
  for key, v in next, t do
    list[key] = key ~= "network" and v or nil
  end
  return list
end)

list_word("addresses", "name", function(_, _, t) return t end)

-- allowed { from =, to =, tcp = ... }, refused { ... }

local TRANSPORTS <const> = { "tcp", "udp", "sctp" }
local FLOW_KEYS <const> = { "from", "to", "tcp", "udp", "sctp", "icmp",
                            "icmp6", "ip", "family", "description" }

local function add_flow(flows, proto, port)
  flows[#flows + 1] = { proto = proto, port = port }
end

-- Appends flows of 'proto' to the ports in 'v': a number, "LO-HI" or a list.
local function add_ports(r, flows, proto, v, depth)
  if value.is_table(v) and depth < value.MAX_DEPTH then
    for _, i in ipairs(value.indices(v)) do
      add_ports(r, flows, proto, rawget(v, i), depth + 1)
    end
    return
  end
  local lo, hi
  if math.type(v) == "integer" then
    lo, hi = v, v
  elseif type(v) == "string" then
    lo, hi = v:match "^(%d+)%-(%d+)$"
    lo, hi = math.tointeger(tonumber(lo)), math.tointeger(tonumber(hi))
  end
  if not lo or lo < 1 or hi > 65535 or lo > hi then
    r:expected(proto, 'a port from 1 to 65535, "LO-HI", or a list of those',
               v)
  elseif hi - lo >= MAX_RANGE then
    r:error("%s of %s has more than %d ports; ask for some of them", proto,
            r.word, MAX_RANGE)
  else
    for port = lo, hi do
      add_flow(flows, proto, tostring(port))
    end
  end
end

-- Appends flows of 'proto' with the types in 'v': a name, a number,
-- "TYPE/CODE" or a list of those.
local function add_types(r, flows, proto, v, depth)
  if value.is_table(v) and depth < value.MAX_DEPTH then
    for _, i in ipairs(value.indices(v)) do
      add_types(r, flows, proto, rawget(v, i), depth + 1)
    end
  elseif type(v) == "string" or math.type(v) == "integer" then
    add_flow(flows, proto, r:string(proto, tostring(v)))
  else
    r:expected(proto, 'the name of a message, a number, or "TYPE/CODE"', v)
  end
end

local function add_protocols(r, flows, v, depth)
  if value.is_table(v) and depth < value.MAX_DEPTH then
    for _, i in ipairs(value.indices(v)) do
      add_protocols(r, flows, rawget(v, i), depth + 1)
    end
  elseif math.type(v) == "integer" and v >= 0 and v <= 255 then
    add_flow(flows, tostring(v))
  else
    r:expected("ip", "the number of a protocol, 0 to 255", v)
  end
end

local function flows_of(r, t)
  local flows = {}
  for _, proto in ipairs(TRANSPORTS) do
    if rawget(t, proto) ~= nil then
      add_ports(r, flows, proto, rawget(t, proto), 0)
    end
  end
  for _, proto in ipairs { "icmp", "icmp6" } do
    if rawget(t, proto) ~= nil then
      add_types(r, flows, proto, rawget(t, proto), 0)
    end
  end
  if rawget(t, "ip") ~= nil then
    add_protocols(r, flows, rawget(t, "ip"), 0)
  end
  if r.good and not flows[1] then
    r:error("%s says no protocol: write %s", r.word, EXAMPLES[r.word])
  end
  return flows
end

local function expectation(kind)
  table_word(kind, function(r, t)
    local step = { kind = kind,
                   family = r:string("family", rawget(t, "family")),
                   description = r:string("description",
                                          rawget(t, "description")) }
    r:check_keys(kind, t, FLOW_KEYS)
    for _, side in ipairs { "from", "to" } do
      step[side] = r:strings(side, rawget(t, side), {})
      if r.good and not step[side][1] then
        r:error("%s has no \"%s\": write %s", kind, side, EXAMPLES[kind])
      end
    end
    if step.family ~= nil and step.family ~= "ipv4"
       and step.family ~= "ipv6" then
      r:expected("family", '"ipv4" or "ipv6"', step.family)
    end
    step.flows = flows_of(r, t)
    return { step }
  end)
end

expectation "allowed"
expectation "refused"

-- groups { NAME = { "GROUP"... } }, groups { NAME = false }

table_word("groups", function(r, t)
  local names, largest, _, odd = value.parts(t)
  local made = {}
  if largest > 0 or odd ~= nil then
    r:error("groups has groups without the name of a port: write %s",
            EXAMPLES.groups)
  end
  for _, name in ipairs(names) do
    local v = rawget(t, name)
    made[#made + 1] = { kind = "groups", port = r:string("a port", name),
                        groups = v ~= false and r:strings(name, v, {})
                                 or nil }
  end
  return made
end)

local ABSENT <const> = {
  group = "tests describe ports and connections; the policy defines groups",
}

local env

env = strict.environment({
  test.words,
  { require = host.import("require")(function() return env end) },
}, ABSENT)
test.env = env

-- Ends the load and returns { steps =, errors =, warnings = }.
function test.finish(complete)
  for _, d in ipairs(waiting) do
    if not d.defined then
      report.error(d.place, "%s lacks its list: write %s", handle.describe(d),
                   EXAMPLES[d.kind])
    end
  end
  return { steps = steps, errors = report.errors, warnings = report.warnings,
           incomplete = not complete }
end

return test
