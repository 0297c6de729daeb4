-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- One way in: operators come from the office to the jump hosts, and from
-- there, and from nowhere else, to everything.

local services = require "sg.services"
local patterns = require "sg.patterns"

local office = prefix_list "office" { "203.0.113.0/24", "2001:db8:ff1::/48" }

local ssh = patterns.bastion {
  bastion = group "bastion",
  from = office,
  targets = { group "linux", group "windows" },
}

-- Windows is reached by RDP as well, from the same jump hosts.
local rdp = patterns.tier_to_tier {
  from = group "bastion",
  to = group "windows",
  service = services.rdp,
}

group "bastion" {
  description = "jump hosts of the operators",
  ingress = { ssh.bastion.ingress },
  egress = {
    ssh.bastion.egress,
    rdp.from,
    patterns.egress { dns = "192.0.2.53", ntp = "192.0.2.123" },
  },
}

group "linux" {
  ingress = { ssh.targets },
}

group "windows" {
  ingress = { ssh.targets, rdp.to },
}
