-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- Tables that policy files may read but not change, and `pairs'.

local host = ...

local report = host.import "report"

local readonly = {}

-- proxy -> what is behind it.
local behind = setmetatable({}, { __mode = "k" })

-- A view of 't', called 'what' in errors.  'known', if given, lists the keys
-- that there may be: reading another is an error.
function readonly.view(t, what, known)
  local proxy = {}
  behind[proxy] = t
  local index = t
  if known then
    local is_known = {}
    for _, key in ipairs(known) do
      is_known[key] = true
    end
    index = host.word(function(place, _, key)
      if t[key] == nil and not is_known[key] then
        report.error(place, "%s has no field %s%s", what,
                     report.quote(tostring(key)),
                     report.suggestion(tostring(key), known))
        return report.poison
      end
      return t[key]
    end)
  end
  return setmetatable(proxy, {
    __metatable = false,
    __name = what,
    __index = index,
    __len = function() return #t end,
    __newindex = host.word(function(place, _, key)
      report.error(place, "%s cannot be changed (field %s)", what,
                   report.quote(tostring(key)))
    end),
  })
end

-- Order of keys: numbers, strings, booleans; anything else has none.
local RANK <const> = { number = 1, string = 2, boolean = 3 }

local function before(a, b)
  local x, y = RANK[type(a)], RANK[type(b)]
  if x ~= y then
    return x < y
  elseif x == 3 then
    return not a and b
  end
  return a < b
end

-- `pairs' that visits sorted keys.  Lua's own order changes from run to run,
-- and a policy must not.
function readonly.pairs(t)
  local metamethod = not behind[t] and type(getmetatable(t)) == "table"
                     and rawget(getmetatable(t), "__pairs")
  if metamethod then
    return metamethod(t)
  end
  local source = behind[t] or t
  local keys, others = {}, {}
  for key in next, source do
    local list = RANK[type(key)] and keys or others
    list[#list + 1] = key
  end
  table.sort(keys, before)
  table.move(others, 1, #others, #keys + 1, keys)
  local i = 0
  return function()
    local key
    repeat                      -- What was removed meanwhile is left out.
      i = i + 1
      key = keys[i]
    until key == nil or source[key] ~= nil
    if key ~= nil then
      return key, source[key]
    end
  end, t, nil
end

return readonly
