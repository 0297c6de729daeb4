group "a" = { ingress = {} }
