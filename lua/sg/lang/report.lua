-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- Errors and warnings.
--
-- An author's mistake is recorded with its place and the load goes on, so
-- that one load shows them all.  Where a value is needed to go on with, it is
-- `poison': it can be called, indexed, compared and calculated with, gives
-- poison again, and every word drops it silently, because it was reported
-- where it came up.

local host = ...

local report = { errors = {}, warnings = {} }

-- A loop can make any number of mistakes; nobody reads more than these.
local MAX_REPORTS <const> = 1000

local open = true

local function add(list, place, message)
  if #list == MAX_REPORTS then
    message = "there are more errors than are shown"
  end
  if #list <= MAX_REPORTS then
    list[#list + 1] = { place = place, message = message }
  end
end

-- Records an error.  In a callback, after the load, there is nothing to go on
-- with: there it ends the callback.
function report.error(place, format, ...)
  local message = format:format(...)
  if not open then
    error(message, 0)
  end
  add(report.errors, place, message)
end

function report.warning(place, format, ...)
  add(report.warnings, place, format:format(...))
end

-- 'text' without what would disturb a line of a message or a log.
function report.clean(text)
  text = text:gsub("%c", "?")
  if not utf8.len(text) then
    text = text:gsub("[\x80-\xff]", "?")
  end
  return text
end

-- 'text' as it is shown in a message: in quotes, and not too long.
function report.quote(text)
  if #text > 60 then
    text = text:sub(1, 57) .. "..."
  end
  return '"' .. report.clean(text) .. '"'
end

-- "; did you mean "tcp"?" or "".
function report.suggestion(typed, names)
  local name = host.suggest(typed, names)
  return name and '; did you mean "' .. name .. '"?' or ""
end

-- Is the load still going on?
function report.is_open()
  return open
end

function report.close()
  open = false
  report.errors, report.warnings = {}, {}
end

-- Poison.

local poison = {}

local function again()
  return poison
end

local function never()
  return false
end

setmetatable(poison, {
  __metatable = false,
  __name = "unknown word",
  -- An integer index ends an `ipairs'.
  __index = function(_, key)
    if type(key) ~= "number" then
      return poison
    end
  end,
  __newindex = function() end,
  -- A generic `for' calls its iterator with two values, here both nil: end.
  __call = function(_, ...)
    if select("#", ...) == 2 and ... == nil and select(2, ...) == nil then
      return nil
    end
    return poison
  end,
  __tostring = function() return "(unknown)" end,
  __len = function() return 0 end,
  __pairs = function() return next, {}, nil end,
  __lt = never, __le = never,
  __concat = again, __unm = again, __bnot = again,
  __add = again, __sub = again, __mul = again, __div = again,
  __mod = again, __pow = again, __idiv = again,
  __band = again, __bor = again, __bxor = again, __shl = again,
  __shr = again,
})

report.poison = poison

function report.is_poison(v)
  return rawequal(v, poison)
end

return report
