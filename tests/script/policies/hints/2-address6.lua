group "a" { ingress = { tcp { 80, from = 2001:db8::1 } } }
