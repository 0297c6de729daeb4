-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- bind: groups for interfaces that carry no `sg-groups' of their own.

local host = ...

local report = host.import "report"
local handle = host.import "handle"
local value = host.import "value"
local readonly = host.import "readonly"

local bind = { words = {}, binds = {} }

-- What was given to `bind', by its number in the document:
-- { call = FUNCTION, place = of the `bind' }.
local functions = {}

local EXAMPLE <const> =
  'bind { groups = { "db" }, where = { name = "tap-db*" } }'

local KEYS <const> = { groups = true, where = true }
local WHERE_NAMES <const> = { "name", "bridge", "type", "tag", "mac",
                              "address", "external_ids" }
local WHERE_KEYS <const> = { name = true, bridge = true, type = true,
                             tag = true, mac = true, address = true,
                             external_ids = true }

-- Fields of the table that a function gets (plugin/script/facts.h).
local PORT_FIELDS <const> = { "name", "bridge", "type", "ofport", "tag",
                              "vlan_mode", "trunks", "mac", "macs",
                              "addresses", "external_ids" }

-- Appends the group names in 'v' to 'out': a name, a group, or a list of
-- those, nested or not.
local function add_names(v, ctx, out, depth)
  local group = handle.get_kind(v, "group")
  if group and not group.network then
    out[#out + 1] = value.any(group.name, ctx)
    return out
  elseif value.is_table(v) and depth < value.MAX_DEPTH then
    local keys, largest, n, odd = value.parts(v)
    if not keys[1] and odd == nil and largest == n then
      for i = 1, n do
        add_names(rawget(v, i), ctx, out, depth + 1)
      end
      return out
    end
  end
  out[#out + 1] = value.any(v, ctx)
  return out
end

-- The groups of `bind { ... }': under `groups', or without a key.
local function bound_groups(place, t, largest, n, ctx)
  local groups = rawget(t, "groups")
  local list = {}
  if groups ~= nil and largest > 0 then
    report.error(place, 'bind has groups both under "groups" and without '
                 .. "a key; write %s", EXAMPLE)
    ctx.poison = true
  elseif largest > n then
    report.error(place, "a group of bind is nil; is a variable misspelt?")
    ctx.poison = true
  elseif groups ~= nil then
    add_names(groups, ctx, list, 0)
  else
    for i = 1, n do
      add_names(rawget(t, i), ctx, list, 0)
    end
  end
  return list
end

-- The patterns of `external_ids = { ... }', or nil.
local function id_patterns(place, ids, ctx)
  local keys, largest, _, odd = value.parts(ids)
  local patterns = {}
  if largest > 0 or odd ~= nil then
    report.error(place, '"external_ids" of bind has an entry without a '
                 .. "name; write external_ids = { [\"port-profile\"] = "
                 .. "\"db*\" }")
    ctx.poison = true
  end
  for _, key in ipairs(keys) do
    if type(value.any(key, ctx)) == "string" then
      patterns[key] = value.any(rawget(ids, key), ctx)
    end
  end
  return keys[1] and patterns or nil
end

-- Adds what `where = { ... }' says to 'result'.
local function add_where(place, where, result, ctx)
  if report.is_poison(where) then
    ctx.poison = true
    return
  elseif not value.is_table(where) then
    report.error(place, '"where" of bind is a table, not %s: write %s',
                 value.describe(where), EXAMPLE)
    ctx.poison = true
    return
  end
  local keys, largest, _, odd = value.parts(where)
  for _, key in ipairs(value.unknown(keys, WHERE_KEYS) or {}) do
    local guess = report.suggestion(key, WHERE_NAMES)
    report.error(place, '"where" of bind has no field %s%s',
                 report.quote(key), guess ~= "" and guess or "; it takes "
                 .. table.concat(WHERE_NAMES, ", "))
    ctx.poison = true
  end
  if largest > 0 or odd ~= nil then
    report.error(place, '"where" of bind has an entry without a key: '
                 .. "write %s", EXAMPLE)
    ctx.poison = true
  end
  for _, key in ipairs(WHERE_NAMES) do
    local v = rawget(where, key)
    if v ~= nil and key ~= "external_ids" then
      result[key] = value.any(v, ctx)
    end
  end
  local ids = rawget(where, "external_ids")
  if value.is_table(ids) then
    result.external_ids = id_patterns(place, ids, ctx)
  elseif ids ~= nil and not report.is_poison(ids) then
    report.error(place, '"external_ids" of bind is a table, not %s',
                 value.describe(ids))
    ctx.poison = true
  end
end

local function bind_table(place, t)
  local ctx = {}
  local keys, largest, n, odd = value.parts(t)
  local result = { place = place, unknown = value.unknown(keys, KEYS) }
  result.groups = bound_groups(place, t, largest, n, ctx)
  if odd ~= nil then
    report.error(place, "bind has a key that is %s", value.describe(odd))
  end
  if rawget(t, "where") ~= nil then
    add_where(place, rawget(t, "where"), result, ctx)
  end
  -- The rest of it is looked at, too.
  result.bad = ctx.poison
  bind.binds[#bind.binds + 1] = result
end

-- A binding has a handle only so that a network block can refuse it.
handle.kind("bind", function() return "bind" end)

local function bind_word(place, v, ...)
  if not report.is_open() then
    report.error(place, "bind cannot be used in a function given to bind")
  elseif report.is_poison(v) then
    return report.poison
  elseif select("#", ...) > 0 then
    report.error(place, "bind takes one table or one function, not several "
                 .. "arguments")
  elseif type(v) == "function" and not value.words[v] then
    functions[#functions + 1] = { call = v, place = place }
    bind.binds[#bind.binds + 1] = { place = place, ["function"] = #functions }
  elseif value.is_table(v) then
    bind_table(place, v)
  else
    report.error(place, "bind takes a table or a function, not %s: write "
                 .. "%s", value.describe(v), EXAMPLE)
  end
  return handle.new("bind", {})
end

bind.words.bind = host.word(bind_word)

-- Asks function number 'n' about 'port', a table of facts.  Returns
-- { mine = false }, { mine = true, groups = { NAME... } } or
-- { error = SENTENCE }.
function bind.call(n, port)
  local f = functions[n]
  if not f then
    return { error = "the policy has no such function" }
  end
  port.external_ids = readonly.view(port.external_ids,
                                    "external_ids of a port")
  local answer = f.call(readonly.view(port, "a port", PORT_FIELDS))
  if answer == nil then
    return { mine = false }
  end
  local names = add_names(answer, {}, {}, 0)
  for _, name in ipairs(names) do
    if type(name) ~= "string" then
      local what = type(name) == "table" and name.bad or value.describe(name)
      return { error = ("%s:%d: the function returned %s; it must return the "
                        .. "names of groups, or nil"):format(
                          f.place.file, f.place.line, what) }
    end
  end
  return { mine = true, groups = names }
end

function bind.forget()
  bind.binds = {}
end

return bind
