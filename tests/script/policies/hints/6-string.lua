group "a" { description = "no end }
