group "a" {
  description = "x"
  ingress = {},
}
