group "a" { ingress = { tcp { 80, from = 10.0.0.0/8 } } }
