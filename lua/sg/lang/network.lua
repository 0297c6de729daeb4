-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- network: groups and members that exist in one network alone.
--
-- The words in a block run before `network' sees the table, so what they made
-- is a definition of every network until the block that holds it claims it.  A
-- template that defines a group and does not return it would leave it to all
-- networks without a word: that is an error.

local host = ...

local report = host.import "report"
local handle = host.import "handle"
local value = host.import "value"
local groups = host.import "groups"

local network = { words = {} }

-- What all `network' handles stand for.
local named = {}

local EXAMPLE <const> =
  'network "blue" { group "web" { ... }, members "web" { ... } }'

-- What may be in a block.
local KINDS <const> = { group = true, members = true }

-- Makes what handle 'd' defined part of network 'net'.
local function claim(place, net, d)
  if #d.records == 0 then
    if d.owner then
      report.error(place, '%s belongs to network %s already; to define the '
                   .. "same in several networks, return it from a function",
                   handle.describe(d), report.quote(d.owner))
    else
      report.error(place, "%s in %s defines nothing; write %s { ... }",
                   handle.describe(d), handle.describe(net),
                   handle.describe(d))
    end
  end
  for _, record in ipairs(d.records) do
    record.network = value.any(net.name, {})
  end
  d.owner, d.records = net.name, {}
end

local function refuse(place, net, what)
  report.error(place, "%s holds groups and members, not %s; what belongs to "
               .. "every network is written outside of it",
               handle.describe(net), what)
end

-- Claims everything in list 't'.
local function claim_list(place, net, t, depth)
  local names, largest, n, odd = value.parts(t)
  if names[1] then
    refuse(place, net, "the key " .. report.quote(names[1]))
  elseif odd ~= nil then
    refuse(place, net, "a key that is " .. value.describe(odd))
  elseif largest > n then
    report.error(place, "an element of %s is nil; does a template lack its "
                 .. '"return"?', handle.describe(net))
  end
  for _, i in ipairs(value.indices(t)) do
    local v = rawget(t, i)
    local d = handle.get(v)
    if d and KINDS[d.kind] and not d.network then
      claim(place, net, d)
    elseif value.is_table(v) and depth < value.MAX_DEPTH then
      claim_list(place, net, v, depth + 1)
    elseif not report.is_poison(v) then
      refuse(place, net, value.show(v))
    end
  end
end

-- Reports what was defined since `network "..."' was evaluated and nothing
-- holds.  Only for a block that follows at once: a handle may have been kept.
local function check_lost(place, net)
  if place.file ~= net.place.file or place.line ~= net.place.line then
    return
  end
  for what, records in pairs(groups.since(net.mark)) do
    for _, record in ipairs(records) do
      if not record.network then
        report.error(record.place, '%s "%s" is defined inside the block of '
                     .. '%s, which does not hold it; does a template lack '
                     .. 'its "return"?', what,
                     record.name or record.group, handle.describe(net))
      end
    end
  end
end

local function define(place, h, d, t, ...)
  d.used = true
  if not report.is_open() then
    report.error(place, "a function given to bind cannot define a network")
  elseif report.is_poison(t) then
    return h
  elseif not value.is_table(t) or select("#", ...) > 0 then
    report.error(place, "%s takes one list in braces, not %s: write %s",
                 handle.describe(d),
                 select("#", ...) > 0 and "several arguments"
                 or value.describe(t), EXAMPLE)
    return report.poison
  end
  claim_list(place, d, t, 0)
  check_lost(place, d)
  return h
end

-- `network "red".group "web"': that group, as a peer elsewhere.
local function group_of(d)
  return host.word(function(place, ...)
    d.used = true
    return groups.group_in(place, d.name, ...)
  end)
end

handle.kind("network", function(d)
  return "network " .. report.quote(d.name)
end, define, nil, { group = group_of })

network.words.network = host.word(function(place, name, ...)
  if report.is_poison(name) then
    return report.poison
  elseif type(name) ~= "string" or select("#", ...) > 0 then
    report.error(place, "network takes a name, and then a list: write %s",
                 EXAMPLE)
    return report.poison
  end
  local d = { name = name, place = place, mark = groups.mark() }
  if report.is_open() then
    named[#named + 1] = d
  end
  return handle.new("network", d)
end)

-- At the end of the load.

function network.check_unused()
  for _, d in ipairs(named) do
    if not d.used then
      report.error(d.place, "%s lacks its block: write %s",
                   handle.describe(d), EXAMPLE)
    end
  end
end

-- Appends the uses of networks to 'refs'.
function network.references(refs)
  for _, d in ipairs(named) do
    refs[#refs + 1] = { kind = "network", name = value.any(d.name, {}),
                        place = d.place }
  end
  return refs
end

function network.forget()
  named = {}
end

return network
