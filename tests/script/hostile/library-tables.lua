-- expect: library-tables.lua:4: the library string cannot be changed
-- expect: library-tables.lua:6: the library table cannot be changed
-- expect: library-tables.lua:9: group "a" cannot be changed
string.format = print
assert(getmetatable("") == false)
table.insert = nil
assert(not pcall(setmetatable, string, nil))
assert(not pcall(table.insert, string, 1))
group("a").name = "b"
for _, t in ipairs { string, table, math, utf8, coroutine, any, group "a" } do
  assert(getmetatable(t) == false)
  assert(next(t) == nil)
  assert(not pcall(table.insert, t, "x"))
  assert(not pcall(table.sort, t))
  assert(not pcall(table.move, { 1 }, 1, 1, 1, t))
end
assert(string.gmatch and ("x"):rep(2) == "xx")
