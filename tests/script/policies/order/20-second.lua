group "third" { ingress = { tcp { 80, from = group "frist" } } }
prefix_list "office" { "192.0.2.0/24" }
group "first" {}
