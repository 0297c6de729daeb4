-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- Environments of files: global names that nobody can write to.
--
-- Reading a name that is not there, and setting any, is recorded as an error.

local host = ...

local report = host.import "report"
local value = host.import "value"
local readonly = host.import "readonly"

local strict = {}

-- Parts of the standard library that policy files get.  math.random is not
-- among them: every hypervisor must make the same of a policy.
local LIBRARIES <const> = {
  string = { "byte", "char", "find", "format", "gmatch", "gsub", "len",
             "lower", "match", "rep", "reverse", "sub", "upper" },
  table = { "concat", "insert", "move", "pack", "remove", "sort", "unpack" },
  math = { "abs", "ceil", "floor", "fmod", "huge", "max", "maxinteger", "min",
           "mininteger", "modf", "tointeger", "type", "ult" },
  utf8 = { "char", "charpattern", "codepoint", "codes", "len", "offset" },
  coroutine = { "close", "create", "isyieldable", "resume", "running",
                "status", "wrap", "yield" },
}

local BASE <const> = { "assert", "error", "getmetatable", "ipairs", "next",
                       "pcall", "rawequal", "rawget", "rawlen", "select",
                       "setmetatable", "tonumber", "tostring", "type",
                       "xpcall", "_VERSION" }

-- Names that people know from elsewhere, and what to say.
local SYSTEM <const> = "policy files cannot reach files, processes or the "
                       .. "system"
local CODE <const> = "policy files cannot load code; write "
                     .. 'require "site.common" for a module'
local ABSENT <const> = {
  io = SYSTEM, os = SYSTEM, package = SYSTEM,
  debug = "policy files cannot look behind the language",
  collectgarbage = "memory is looked after",
  load = CODE, loadfile = CODE, loadstring = CODE, dofile = CODE,
  rawset = "write t[key] = value",
  unpack = "write table.unpack",
  _G = 'there are no global variables; write "local" and pass values',
  _ENV = 'there are no global variables; write "local" and pass values',
}

-- print and warn.
local function logger(level)
  return host.word(function(place, ...)
    local words = {}
    for i = 1, select("#", ...) do
      words[i] = report.clean(tostring((select(i, ...))))
    end
    host.log(level, place, table.concat(words, " "))
  end)
end

-- The names that every file has.
local function common()
  local names = {}
  for _, name in ipairs(BASE) do
    names[name] = _G[name]
  end
  for library, members in next, LIBRARIES do
    local t = {}
    for _, member in ipairs(members) do
      t[member] = _G[library][member]
    end
    names[library] = readonly.view(t, "the library " .. library, members)
  end
  names.pairs = readonly.pairs
  names.print = logger "info"
  names.warn = logger "warn"
  return names
end

-- The function behind reading a name that is not there.
local function unknown_name(names, absent)
  local all = {}                -- For suggestions.
  for name in next, names do
    all[#all + 1] = name
  end
  table.sort(all)
  return host.word(function(place, _, name)
    local what = report.quote(tostring(name))
    local why = absent[name] or ABSENT[name]
    if why then
      report.error(place, "%s is not available: %s", what, why)
    else
      local suggestion = report.suggestion(tostring(name), all)
      report.error(place, "unknown word %s%s", what, suggestion ~= ""
                   and suggestion or '; a variable or a template must be '
                   .. 'defined above, with "local"')
    end
    return report.poison
  end)
end

-- The function behind setting a name.
local function assignment(names)
  return host.word(function(place, _, name)
    local what = report.quote(tostring(name))
    if rawget(names, name) ~= nil then
      report.error(place, "%s is a word of the language and cannot be "
                   .. 'changed; choose another name and write "local"', what)
    else
      report.error(place, '%s would be a global variable; write "local %s"',
                   what, tostring(name))
    end
  end)
end

-- Makes an environment of the common names and of 'words', a list of tables
-- from name to word.  'absent' says of a name that people may look for why it
-- is not there.
function strict.environment(words, absent)
  local names = common()
  for _, t in ipairs(words) do
    for name, word in next, t do
      names[name] = word
      value.words[word] = name
    end
  end
  setmetatable(names, { __index = unknown_name(names, absent) })
  return setmetatable({}, {
    __metatable = false,
    __name = "the global environment",
    __index = names,
    __newindex = assignment(names),
  })
end

return strict
