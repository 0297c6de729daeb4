-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- addresses "crm" { dns = "crm.example.net" }: a named set that changes while
-- the agent runs.  What the options mean is judged by the model
-- (plugin/policy/addresses.c).

local host = ...

local report = host.import "report"
local handle = host.import "handle"
local value = host.import "value"
local groups = host.import "groups"

local addresses = { words = {}, sets = {} }

-- What was given as `resolve', by its number in the document:
-- { call = FUNCTION, place = of the definition }.
local functions = {}

local OPTIONS <const> = { "file", "dns", "http", "interval", "timeout",
                          "on_error", "max_change", "min_ttl", "max_ttl",
                          "nameservers", "max_size", "format", "path",
                          "field", "ca" }
local KEYS <const> = { resolve = true }
for _, name in ipairs(OPTIONS) do
  KEYS[name] = true
end

-- The value of `resolve' for the document.
local function resolve(place, v)
  if type(v) == "function" and not value.words[v] then
    functions[#functions + 1] = { call = v, place = place }
    return #functions
  elseif type(v) == "number" then
    return { bad = value.show(v) }      -- It would stand for a function.
  end
  return value.any(v, {})
end

local function define(place, d, t)
  local names, largest, _, odd = value.parts(t)
  local set = { name = value.any(d.name, {}), place = place,
                unknown = value.unknown(names, KEYS) }
  local ctx = {}
  for _, name in ipairs(OPTIONS) do
    local v = rawget(t, name)
    if v ~= nil then
      set[name] = value.any(v, ctx)
    end
  end
  if rawget(t, "resolve") ~= nil then
    set.resolve = resolve(place, rawget(t, "resolve"))
  end
  if largest > 0 then
    report.error(place, "%s holds something that has no key; addresses that "
                 .. "do not change go into a prefix_list", handle.describe(d))
  elseif odd ~= nil then
    report.error(place, "%s has a key that is %s", handle.describe(d),
                 value.describe(odd))
  elseif not ctx.poison then
    addresses.sets[#addresses.sets + 1] = set
  end
end

addresses.words.addresses = groups.naming_word {
  word = "addresses",
  example = 'addresses "crm" { dns = "crm.example.net" }',
  define = define,
}

-- Appends the addresses in 'v', a list, nested or not, to 'list'.  Returns
-- what is in it and is none, in words, or nil.
local function flatten(v, list, depth)
  if type(v) == "string" then
    list[#list + 1] = value.any(v, {})
    return type(list[#list]) ~= "string" and list[#list].bad or nil
  elseif not value.is_table(v) or depth > value.MAX_DEPTH then
    return value.describe(v)
  end
  local names, largest, n, odd = value.parts(v)
  if names[1] or odd ~= nil or largest > n then
    return "a table that is no list"
  end
  for i = 1, n do
    local bad = flatten(rawget(v, i), list, depth + 1)
    if bad then
      return bad
    end
  end
end

-- Asks function number 'n'.  Returns { addresses = { STRING... } } or
-- { error = SENTENCE }.
function addresses.call(n)
  local f = functions[n]
  if not f then
    return { error = "the policy has no such function" }
  end
  local list = {}
  local bad = flatten(f.call(), list, 0)
  if bad then
    return { error = ("%s:%d: the function returned %s; it must return a list "
                      .. "of addresses and prefixes in quotes"):format(
                        f.place.file, f.place.line, bad) }
  end
  return { addresses = list }
end

function addresses.forget()
  addresses.sets = {}
end

return addresses
