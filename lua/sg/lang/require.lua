-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- require: modules of the library and of the policy's author.
--
-- A module runs once per load, in the environment 'env' of those that require
-- it.  What it returns is copied for each that asks, so that nobody can change
-- what the others get; functions and handles are not copied.

local host = ...

local report = host.import "report"
local handle = host.import "handle"
local value = host.import "value"

-- Deepest nesting of tables in what a module returns.
local MAX_DEPTH <const> = 20

-- Modules that require one another, at most.  Each is some calls in C, and
-- Lua allows 200 of these.
local MAX_CHAIN <const> = 20

-- name -> { done =, value = }; not 'done' while it is being loaded.
local modules = {}

-- Names of the modules that are being loaded, outermost first.
local chain = {}

-- A field of a module that is not there.
local function strict(name, fields)
  local known = {}
  for key in next, fields do
    if type(key) == "string" then
      known[#known + 1] = key
    end
  end
  table.sort(known)
  return {
    __metatable = false,
    __name = "module",
    __index = host.word(function(place, _, key)
      if type(key) == "string" then
        report.error(place, "the module %s has no field %s%s", name,
                     report.quote(key), report.suggestion(key, known))
        return report.poison
      end
    end),
  }
end

-- A copy of 'v'; 'copies' holds those that were made already.
local function copy(v, copies, depth)
  local metatable = type(v) == "table" and getmetatable(v)
  if not value.is_table(v) or depth > MAX_DEPTH
     or metatable ~= nil and type(metatable) ~= "table" then
    return v
  elseif not copies[v] then
    local c = {}
    copies[v] = c
    for key, element in next, v do
      c[key] = copy(element, copies, depth + 1)
    end
    setmetatable(c, metatable)
  end
  return copies[v]
end

local function give(name, v)
  local c = copy(v, {}, 0)
  if value.is_table(c) and getmetatable(c) == nil then
    setmetatable(c, strict(name, c))
  end
  return c
end

-- Also when an error ends the module.
local function loading(name)
  modules[name] = {}
  chain[#chain + 1] = name
  return setmetatable({}, { __close = function()
    chain[#chain] = nil
    if not modules[name].done then
      modules[name] = nil
    end
  end })
end

local function load_module(place, name, env)
  local run, message, file, line = host.module(name, env)
  if run then
    local guard <close> = loading(name)
    local v = run()
    modules[name] = { done = true, value = v }
    return give(name, v)
  elseif line > 0 then
    report.error({ file = file, line = line }, "%s (required from %s:%d)",
                 message, place.file or "?", place.line or 0)
  else
    report.error(place, "the module %s %s", report.quote(name),
                 file and "(" .. file .. ") " .. message or message)
  end
  return report.poison
end

local function check(place, name, ...)
  if type(name) ~= "string" or select("#", ...) > 0 then
    report.error(place, 'require takes the name of one module: write '
                 .. 'require "site.common"')
  elseif not report.is_open() then
    report.error(place, "modules are loaded with the policy; write "
                 .. '"local x = require %s" at the top of the file, and use '
                 .. "x here", report.quote(name))
  elseif #chain == MAX_CHAIN then
    report.error(place, "more than %d modules require one another: %s",
                 MAX_CHAIN, table.concat(chain, ", "))
  else
    return true
  end
end

-- The word `require', for files whose environment is 'get_env()'.
return function(get_env)
  return host.word(function(place, name, ...)
    if report.is_poison(name) then
      return report.poison
    end
    local module = modules[name]
    if module and module.done then
      return give(name, module.value)
    elseif module then
      report.error(place, "the modules %s require one another in a circle; "
                   .. "put what they need into another one",
                   table.concat(chain, ", "))
    elseif check(place, name, ...) then
      return load_module(place, name, get_env())
    end
    return report.poison
  end)
end
