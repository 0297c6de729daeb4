-- Refers to what a later file defines.
group "first" { ingress = { tcp { 80, from = group "third" } } }
