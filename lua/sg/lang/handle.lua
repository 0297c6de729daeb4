-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- Handles: what words return and take.
--
-- A handle is an empty table with a closed metatable.  What it stands for is
-- kept here, where no policy file gets at it.  Handles of the same kind and
-- name are equal, wherever they were made.

local host = ...

local report = host.import "report"

local handle = {}

-- handle -> { kind =, name =, ... }.
local data = setmetatable({}, { __mode = "k" })

-- kind -> metatable.
local metatables = {}

-- What 'v' stands for, or nil if it is no handle.
function handle.get(v)
  return type(v) == "table" and data[v] or nil
end

-- Likewise, if it is of kind 'kind'.
function handle.get_kind(v, kind)
  local d = handle.get(v)
  return d and d.kind == kind and d or nil
end

-- How 'd' is shown to people.
function handle.describe(d)
  local text = metatables[d.kind].describe(d)
  return text
end

-- Makes a kind of handles.  'describe(d)' returns how one is shown;
-- 'call(place, h, d, ...)' is what calling one does, nil: an error that says
-- 'remedy'.  'fields' are those that all handles of the kind have beside their
-- name: name -> function(d) that returns the value.
function handle.kind(kind, describe, call, remedy, fields)
  metatables[kind] = {
    describe = describe,
    __metatable = false,
    __name = kind,
    __tostring = function(h) return describe(data[h]) end,
    __eq = function(a, b)
      local x, y = handle.get(a), handle.get(b)
      return x and y and x.kind == y.kind and x.name ~= nil
             and x.name == y.name and x.network == y.network or false
    end,
    __index = host.word(function(place, h, key)
      if key == "name" then
        return data[h].name
      elseif fields and fields[key] then
        return fields[key](data[h])
      elseif type(key) == "string" then
        report.error(place, "%s has no field %s", describe(data[h]),
                     report.quote(key))
        return report.poison
      end
    end),
    __newindex = host.word(function(place, h)
      report.error(place, "%s cannot be changed", describe(data[h]))
    end),
    __call = host.word(function(place, h, ...)
      if not call then
        report.error(place, "%s cannot be called%s", describe(data[h]),
                     remedy and "; " .. remedy or "")
        return report.poison
      end
      return call(place, h, data[h], ...)
    end),
  }
end

function handle.new(kind, d)
  local h = setmetatable({}, metatables[kind])
  d.kind = kind
  data[h] = d
  return h
end

return handle
