-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- Guests of libvirt.  Nothing that is set on a port by hand survives a stop of
-- its guest, so the groups come from what libvirt writes each time:
--
--     port-profile   <parameters profileid='web'/>
--     attached-mac   <mac address='52:54:00:db:00:01'/>
--     vm-id          <uuid>0f0e0d0c-0001-4a4a-8b8b-000000000042</uuid>

-- A profile is a list of groups: profileid='web' or profileid='web,ssh'.  One
-- that is not a group here closes its port, and sg-error says so.
bind(function(port)
  local profile = port.external_ids["port-profile"]
  if not profile then
    return nil                  -- Not made by libvirt, or without a profile.
  end
  local groups = {}
  for name in profile:gmatch "[^%s,]+" do
    groups[#groups + 1] = name
  end
  return groups
end)

-- All interfaces whose MACs are from a range of one's own.
bind { groups = "db", where = { mac = "52:54:00:db:*" } }

-- All interfaces of one guest, whatever their profiles.
bind {
  groups = "backup",
  where = { external_ids = { ["vm-id"] = "0f0e0d0c-0001-4a4a-8b8b-*" } },
}

group "web" {
  description = "public web servers",
  ingress = { tcp { { 80, 443 }, from = any } },
}

group "ssh" {
  description = "guests that the administrators reach",
  ingress = { tcp { 22, from = "192.0.2.8/29" } },
}

group "db" {
  description = "database servers",
  ingress = { tcp { 5432, from = group "web" } },
  egress = {},
}

group "backup" {
  description = "the guest that saves the others",
  egress = { tcp { 873, to = "198.51.100.0/24" } },
}

-- The members that are on other hypervisors now, or may come from there.
members "web" { "192.0.2.16/28" }
