group "not loaded" {
