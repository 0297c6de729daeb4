-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- Names and what they stand for: group prefix_list members.

local host = ...

local report = host.import "report"
local handle = host.import "handle"
local value = host.import "value"
local rules = host.import "rules"

-- The lists of the document.
local groups = { words = {}, groups = {}, prefix_lists = {}, members = {} }

-- What all handles of named things stand for, in the order made.
local named = {}

local GROUP_KEYS <const> = { description = true, revocation = true,
                             ingress = true, egress = true }

-- What someone wrote instead of one table 't'.
local function instead_of_table(t, ...)
  return select("#", ...) > 0 and "several arguments" or value.describe(t)
end

-- The function behind `WORD "NAME" { ... }'; 'kind' as for naming_word().
local function definer(kind)
  return function(place, h, d, t, ...)
    d.defined = true
    if not report.is_open() then
      report.error(place, "a function given to bind cannot define a %s",
                   kind.word)
    elseif d.network then
      report.error(place, "%s is a reference; define the group in the block "
                   .. "of its network", handle.describe(d))
      return report.poison
    elseif report.is_poison(t) then
      return h
    elseif not value.is_table(t) or select("#", ...) > 0 then
      report.error(place, "%s is defined with one table in braces, not %s: "
                   .. "write %s", handle.describe(d),
                   instead_of_table(t, ...), kind.example)
      return report.poison
    end
    d.records[#d.records + 1] = kind.define(place, d, t)
    return h
  end
end

-- The function behind `WORD "NAME"', and `network "NETWORK".WORD "NAME"'.
local function referrer(kind)
  return function(place, network, name, ...)
    if report.is_poison(name) then
      return report.poison
    elseif type(name) ~= "string" then
      report.error(place, "%s takes a name, not %s: write %s", kind.word,
                   value.describe(name), kind.example)
      return report.poison
    elseif select("#", ...) > 0 then
      report.error(place, "%s takes a name alone, and then a table: write %s",
                   kind.word, kind.example)
      return report.poison
    end
    local d = { name = name, network = network, place = place, records = {},
                peer = { [kind.word] = value.any(name, {}),
                         network = network and value.any(network, {}) } }
    if report.is_open() then
      named[#named + 1] = d
    end
    return handle.new(kind.word, d)
  end
end

-- Makes a word that takes a name and returns a handle, which may be called
-- with a table to define the thing.  'kind' has the 'word', an 'example' of a
-- definition, for remedies, and the function 'define(place, d, t)'.
function groups.naming_word(kind)
  handle.kind(kind.word, function(d)
    local text = kind.word .. " " .. report.quote(d.name)
    return d.network and "network " .. report.quote(d.network) .. "." .. text
           or text
  end, definer(kind))
  local refer = referrer(kind)
  return host.word(function(place, ...)
    return refer(place, nil, ...)
  end), refer
end

-- The value of key 'key' of 't', or nil.
local function plain(t, key)
  local v = rawget(t, key)
  if v ~= nil then
    return value.any(v, {})
  end
end

local function define_group(place, d, t)
  local names, largest, _, odd = value.parts(t)
  local group = { name = value.any(d.name, {}), place = place,
                  description = plain(t, "description"),
                  revocation = plain(t, "revocation"),
                  unknown = value.unknown(names, GROUP_KEYS) }
  for _, what in ipairs { "ingress", "egress" } do
    local v = rawget(t, what)
    if v ~= nil then
      group[what] = {}
      rules.flatten(place, what, v, group[what])
    end
  end
  if largest > 0 then
    report.error(place, "%s holds something that has no key; rules go into "
                 .. "ingress = { ... } or egress = { ... }",
                 handle.describe(d))
    rules.flatten(place, "ingress", t, {})      -- These rules are used.
  elseif odd ~= nil then
    report.error(place, "%s has a key that is %s", handle.describe(d),
                 value.describe(odd))
  end
  groups.groups[#groups.groups + 1] = group
  return group
end

-- An entry of a list of addresses.  A set of addresses is one, if the model
-- lets it be.
local function entry(v)
  local set = handle.get_kind(v, "addresses")
  return set and set.peer or value.any(v, {})
end

-- The entries of a list of addresses; 'what' says whose.
local function entries(place, what, t)
  local names, largest, n, odd = value.parts(t)
  local list = {}
  if names[1] then
    report.error(place, "%s has a key %s; it is a list of addresses and "
                 .. "prefixes", what, report.quote(names[1]))
  elseif odd ~= nil then
    report.error(place, "%s has a key that is %s; it is a list of addresses "
                 .. "and prefixes", what, value.describe(odd))
  elseif largest > n then
    report.error(place, "an element of %s is nil; is a variable misspelt?",
                 what)
  else
    for i = 1, n do
      list[#list + 1] = entry(rawget(t, i))
    end
  end
  return list
end

local function define_prefix_list(place, d, t)
  groups.prefix_lists[#groups.prefix_lists + 1] = {
    name = value.any(d.name, {}), place = place,
    entries = entries(place, handle.describe(d), t),
  }
end

groups.words.group, groups.group_in = groups.naming_word {
  word = "group",
  example = 'group "web" { ingress = { ... } }',
  define = define_group,
}
groups.words.prefix_list = groups.naming_word {
  word = "prefix_list",
  example = 'prefix_list "office" { "192.0.2.0/24" }',
  define = define_prefix_list,
}

-- members "web" { ... }

local MEMBERS_EXAMPLE <const> = 'members "web" { "192.0.2.10" }'

-- What all `members' handles stand for.
local memberships = {}

handle.kind("members", function(d)
  return "members " .. report.quote(d.group)
end, function(place, h, d, t, ...)
  d.defined = true
  if report.is_poison(t) then
    return report.poison
  elseif handle.get_kind(t, "addresses") and select("#", ...) == 0 then
    t = { t }
  elseif not value.is_table(t) or select("#", ...) > 0 then
    report.error(place, "members takes a list of addresses in braces, not "
                 .. "%s: write %s", instead_of_table(t, ...),
                 MEMBERS_EXAMPLE)
    return report.poison
  end
  local list = { group = value.any(d.group, {}), place = place,
                 entries = entries(place, handle.describe(d), t) }
  groups.members[#groups.members + 1] = list
  d.records[#d.records + 1] = list
  return h
end)

groups.words.members = host.word(function(place, name, ...)
  local group = handle.get_kind(name, "group")
  name = group and group.name or name
  if not report.is_open() then
    report.error(place, "a function given to bind cannot add members")
  elseif group and group.network then
    report.error(place, "members of %s belong in the block of its network",
                 handle.describe(group))
    return report.poison
  elseif report.is_poison(name) then
    return report.poison
  elseif type(name) ~= "string" or select("#", ...) > 0 then
    report.error(place, "members takes the name of a group, and then a "
                 .. "list: write %s", MEMBERS_EXAMPLE)
    return report.poison
  end
  local d = { group = name, place = place, records = {} }
  memberships[#memberships + 1] = d
  return handle.new("members", d)
end)

-- A point in the load, and what was defined since: "group" -> list, "members"
-- -> list.

function groups.mark()
  return { group = #groups.groups, members = #groups.members }
end

function groups.since(mark)
  return {
    group = table.move(groups.groups, mark.group + 1, #groups.groups, 1, {}),
    members = table.move(groups.members, mark.members + 1, #groups.members,
                         1, {}),
  }
end

-- At the end of the load.

function groups.check_unused()
  for _, d in ipairs(memberships) do
    if not d.defined then
      report.error(d.place, "%s lacks its list: write %s",
                   handle.describe(d), MEMBERS_EXAMPLE)
    end
  end
end

-- Every handle that did not define what it names refers to it.
function groups.references()
  local refs = {}
  for _, d in ipairs(named) do
    if not d.defined then
      refs[#refs + 1] = { kind = d.kind, name = value.any(d.name, {}),
                          network = d.peer.network, place = d.place }
    end
  end
  return refs
end

function groups.forget()
  groups.groups, groups.prefix_lists, groups.members = {}, {}, {}
  named, memberships = {}, {}
end

return groups
