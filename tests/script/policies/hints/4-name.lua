group a { ingress = {} }
