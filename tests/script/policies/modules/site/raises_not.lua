pcall(error, "no")
return tcq { 1 }
