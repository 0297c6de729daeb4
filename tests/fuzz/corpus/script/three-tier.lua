-- three-tier.lua
local office = prefix_list "office" { "203.0.113.0/24", "2001:db8:0ff1::/48" }

local function ssh_from(peer)                       -- a template is a function
  return tcp { 22, from = peer, description = "SSH from the jump hosts" }
end

group "bastion" {
  description = "SSH jump hosts",
  ingress = { tcp { 22, from = office, description = "SSH from the office" } },
}

group "web" {
  description = "public web servers",
  ingress = {
    tcp { { 80, 443 }, from = any, description = "HTTP(S) from everywhere" },
    ssh_from(group "bastion"),
  },
}

group "app" {
  ingress = { tcp { "8080-8089", from = group "web" }, ssh_from(group "bastion") },
}

group "db" {
  ingress = { tcp { 5432, from = group "app" }, ssh_from(group "bastion") },
  egress  = { tcp { 443, to = "198.51.100.0/24", description = "backups" } },
}

members "web" { "192.0.2.10", "2001:db8::10" }      -- members that are not ports here
bind { groups = { "db" }, where = { name = "tap-db*" } }
