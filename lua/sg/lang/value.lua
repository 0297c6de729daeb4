-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- The author's values, as values of the document.
--
-- A converter returns nil for poison, and notes in its context that it met
-- some: { poison = true }.

local host = ...

local report = host.import "report"
local handle = host.import "handle"

local value = {}

-- Longest text that a document carries.
local MAX_TEXT <const> = 1000

-- Deepest nesting of lists.
value.MAX_DEPTH = 20

-- function -> "tcp", for words used as values; env.lua fills it.
value.words = {}

-- Takes a table of the author's apart.  Returns the list of its keys that are
-- strings, sorted; the largest and the number of its positive integer keys;
-- and some other key, or nil.
function value.parts(t)
  local names, largest, n, odd = {}, 0, 0, nil
  for k in next, t do
    if type(k) == "string" then
      names[#names + 1] = k
    elseif math.type(k) == "integer" and k > 0 then
      largest = math.max(largest, k)
      n = n + 1
    else
      odd = k
    end
  end
  table.sort(names)
  return names, largest, n, odd
end

-- The positive integer keys of 't', sorted; for lists with holes.
function value.indices(t)
  local indices = {}
  for k in next, t do
    if math.type(k) == "integer" and k > 0 then
      indices[#indices + 1] = k
    end
  end
  table.sort(indices)
  return indices
end

-- Is 'v' a table that is the author's own?
function value.is_table(v)
  return type(v) == "table" and not handle.get(v)
         and not report.is_poison(v)
end

local articles = { table = "a table", string = "a string",
                   number = "a number", boolean = "a boolean",
                   ["function"] = "a function", thread = "a coroutine",
                   userdata = "a userdata", ["nil"] = "nil" }

-- 'v' in words, for "... is a number".
function value.describe(v)
  local d = handle.get(v)
  if d then
    return handle.describe(d)
  elseif value.words[v] then
    return "the word " .. value.words[v]
  end
  return articles[type(v)]
end

-- Likewise, with what is in it, where the place alone does not show it.
function value.show(v)
  local what = value.describe(v)
  if type(v) == "string" then
    what = what .. " (" .. report.quote(v) .. ")"
  elseif type(v) == "number" then
    what = what .. " (" .. v .. ")"
  end
  return what
end

local function bad(what)
  return { bad = what }
end

-- 'v' as text, which JSON can carry: UTF-8 without NUL, and not too long.
local function text(v)
  if #v > MAX_TEXT then
    return bad("a string of " .. #v .. " bytes")
  elseif not utf8.len(v) or v:find("\0", 1, true) then
    return bad("a string that is not UTF-8 text")
  end
  return v
end

local function number(v)
  if v ~= v then
    return bad("not a number (NaN)")
  elseif v == math.huge or v == -math.huge then
    return bad("an infinite number")
  end
  return v
end

-- Converts the elements of list 't' with 'convert'.
local function list(t, ctx, depth, convert)
  local names, largest, n, odd = value.parts(t)
  if names[1] then
    return bad("a table with the key " .. report.quote(names[1]))
  elseif odd ~= nil then
    return bad("a table with a key that is " .. value.describe(odd))
  elseif largest > n then
    return bad("a list with a hole (an element that is nil)")
  elseif depth > value.MAX_DEPTH then
    return bad("a list that nests too deep")
  end
  local result = {}
  for i = 1, n do
    result[#result + 1] = convert(rawget(t, i), ctx, depth + 1)
  end
  return result
end

-- Any value.
function value.any(v, ctx, depth)
  local kind = type(v)
  if report.is_poison(v) then
    ctx.poison = true
    return nil
  elseif kind == "string" then
    return text(v)
  elseif kind == "number" then
    return number(v)
  elseif kind == "boolean" then
    return v
  elseif value.is_table(v) then
    return list(v, ctx, depth or 0, value.any)
  end
  return bad(value.describe(v))
end

-- A peer, or a list of peers, nested or not.
function value.peers(v, ctx, depth)
  local d = handle.get(v)
  if report.is_poison(v) then
    ctx.poison = true
    return nil
  elseif d and d.peer then
    return d.peer
  elseif type(v) == "string" then
    return text(v)
  elseif value.is_table(v) then
    return list(v, ctx, depth or 0, value.peers)
  end
  return bad(value.describe(v))
end

-- The unknown ones of 'names', those not in set 'known', or nil.  They are
-- passed on for the model to say what was meant.
function value.unknown(names, known)
  local result = {}
  for _, name in ipairs(names) do
    if not known[name] then
      local t = text(name)
      result[#result + 1] = type(t) == "string" and t or "?"
    end
  end
  return result[1] and result or nil
end

return value
