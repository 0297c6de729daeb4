group "second" {
  ingress = { tcp { 80, from = group "first" } tcp { 81, from = any } },
}
