-- expect: odd-text.lua:5: unknown word "a\?\?"
-- expect: ^log: INFO: odd-text.lua:4: a\?fake line \?\?$
-- expect: odd-text.lua:7: \?\?\?$
print("a\nfake line", "\xff\0")
local x = _ENV["a\n\xff"]
-- Not the encoding of any character.
error("\xff\xfe\xfd")
