group "a" {
  ingress = { tcp { 80, from = any }
  egress = {},
}
