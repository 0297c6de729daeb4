-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- Rules and peers: tcp udp sctp icmp icmp6 ip all any.

local host = ...

local report = host.import "report"
local handle = host.import "handle"
local value = host.import "value"

local rules = { words = {} }

-- key of a rule -> its converter.
local KEYS <const> = {
  from = value.peers, to = value.peers, type = value.any, code = value.any,
  protocol = value.any, family = value.any, description = value.any,
}

-- How each word is used, for the remedy in an error.
local EXAMPLES <const> = {
  tcp = "tcp { 80, from = any }",
  udp = "udp { 53, from = any }",
  sctp = "sctp { 3868, from = any }",
  icmp = 'icmp { "echo-request", from = any }',
  icmp6 = 'icmp6 { "echo-request", from = any }',
  ip = "ip { protocol = 47, from = any }",
  all = "all { from = any }",
}

-- All rules of the load, in the order of their constructors.
local made = {}

handle.kind("rule", function(d)
  return ("the rule %s of %s:%d"):format(d.rule.word, d.rule.place.file,
                                         d.rule.place.line)
end, nil, "is a comma missing between two rules?")

-- Fills the positional arguments of 'rule' from 't'.
local function fill_values(place, rule, t, largest, n, ctx)
  if largest > n then
    report.error(place, "an argument of %s is nil; is a variable misspelt?",
                 rule.word)
    ctx.poison = true
    return
  end
  for i = 1, n do
    rule.values[#rule.values + 1] = value.any(rawget(t, i), ctx)
  end
end

local function make_rule(place, word, t)
  local names, largest, n, odd = value.parts(t)
  local rule = { word = word, place = place, values = {} }
  local ctx = {}
  fill_values(place, rule, t, largest, n, ctx)
  for _, name in ipairs(names) do
    local convert = KEYS[name]
    if convert then
      rule[name] = convert(rawget(t, name), ctx)
    end
  end
  rule.unknown = value.unknown(names, KEYS)
  if odd ~= nil then
    report.error(place, '%s has a key that is %s; keys are words like '
                 .. '"from"', word, value.describe(odd))
  end
  return not ctx.poison and rule or nil
end

local function constructor(word)
  return host.word(function(place, t, ...)
    if not report.is_open() then
      report.error(place, "a function given to bind can name groups, but "
                   .. "not make rules")
    elseif report.is_poison(t) then
      return report.poison
    elseif not value.is_table(t) or select("#", ...) > 0 then
      report.error(place, "%s takes one table in braces, not %s: write %s",
                   word, select("#", ...) > 0 and "several arguments"
                   or value.describe(t), EXAMPLES[word])
      return report.poison
    end
    local rule = make_rule(place, word, t)
    if not rule then
      return report.poison
    end
    local h = handle.new("rule", { rule = rule, used = false })
    made[#made + 1] = h
    return h
  end)
end

for word in pairs(EXAMPLES) do
  rules.words[word] = constructor(word)
end

handle.kind("any", function() return "any" end, nil,
            "it is a peer, as in from = any; for a rule that covers all "
            .. "traffic write all { from = any }")
rules.words.any = handle.new("any", { name = "any", peer = { any = true } })

-- Appends the rules in list 't' to 'out', and what in it is none as bad.
local function flatten_list(place, what, t, out, depth)
  local names, largest, n, odd = value.parts(t)
  if names[1] then
    out[#out + 1] = { bad = "the key " .. report.quote(names[1]),
                      place = place }
  elseif odd ~= nil then
    out[#out + 1] = { bad = "a key that is " .. value.describe(odd),
                      place = place }
  end
  if largest > n then
    report.error(place, 'a rule in "%s" is nil; does a template lack its '
                 .. '"return"?', what)
  end
  for _, i in ipairs(value.indices(t)) do
    rules.flatten(place, what, rawget(t, i), out, depth + 1)
  end
end

-- Appends the rules in 'v', a rule or a list of rules, nested or not, to
-- 'out'.  'what' is "ingress" or "egress" of the group at 'place'.
function rules.flatten(place, what, v, out, depth)
  local d = handle.get_kind(v, "rule")
  depth = depth or 0
  if d then
    d.used = true
    out[#out + 1] = d.rule
  elseif report.is_poison(v) then
    return
  elseif not value.is_table(v) then
    out[#out + 1] = { bad = value.show(v), place = place }
  elseif depth > value.MAX_DEPTH then
    out[#out + 1] = { bad = "a list that nests too deep", place = place }
  else
    flatten_list(place, what, v, out, depth)
  end
end

-- Warns of rules that are in no group.  Not where there are errors: the group
-- may be what is wrong.
function rules.warn_unused()
  if report.errors[1] then
    return
  end
  for _, h in ipairs(made) do
    local d = handle.get(h)
    if not d.used then
      report.warning(d.rule.place, 'this rule is in no group; put it into '
                     .. '"ingress" or "egress" of one')
    end
  end
end

function rules.forget()
  made = {}
end

return rules
