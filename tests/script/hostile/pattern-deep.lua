-- expect: pattern-deep.lua:2: pattern too complex
string.find(("x"):rep(1000), ("x?"):rep(1000) .. "(y)")
