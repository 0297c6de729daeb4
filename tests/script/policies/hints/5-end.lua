group "a" {
  ingress = {
