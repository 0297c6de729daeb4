-- expect: many-errors.lua:3: unknown word "unknown_1"
for i = 1, 5000 do
  local x = _ENV["unknown_" .. i]
end
