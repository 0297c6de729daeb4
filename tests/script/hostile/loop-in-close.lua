-- expect: the script was stopped after 2000000 instructions
local again = setmetatable({}, { __close = function()
  while true do end
end })
while true do
  pcall(function()
    local a <close> = again
    local b <close> = again
    error "x"
  end)
end
