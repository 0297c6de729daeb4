-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- Sets of labels ("app=shop,tier=web"), and selectors.

local labels = {}

-- In a selector: the label is there, whatever its value.
labels.ANY = true

-- Takes "KEY=VALUE,KEY=VALUE" apart.  An error closes the port that it is
-- about, and says why.
function labels.parse(text)
  local set = {}
  for part in text:gmatch "[^,]+" do
    local key, v = part:match "^%s*([%w%._/-]+)=([%w%._-]*)%s*$"
    if not key then
      error(("%q is no label; write KEY=VALUE"):format(part))
    end
    set[key] = v
  end
  return set
end

-- Does a port with the labels 'set' fit 'selector', KEY = VALUE, KEY =
-- { VALUE, ... } or KEY = labels.ANY for every key?
function labels.match(selector, set)
  for key, wanted in pairs(selector) do
    local v = set[key]
    local fits = v ~= nil and (wanted == labels.ANY or wanted == v)
    if v ~= nil and type(wanted) == "table" then
      for _, one in ipairs(wanted) do
        fits = fits or one == v
      end
    end
    if not fits then
      return false
    end
  end
  return true
end

return labels
