-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- What all servers of this site have in common.  A module: policies get it
-- with require "site.common"; it is no policy file of its own, because it is
-- not in the policy's folder but below it.

local services = require "sg.services"
local patterns = require "sg.patterns"

local site = {}

local monitoring = prefix_list "monitoring" { "192.0.2.9", "2001:db8::9" }
local jump = prefix_list "jump" { "192.0.2.22", "2001:db8::22" }

-- For ingress: what operating a server takes.
site.operated = {
  services.ssh { from = jump },
  patterns.monitored { from = monitoring },
}

-- For egress: what every server needs, and nothing else.
site.housekeeping = patterns.egress {
  dns = { "192.0.2.53", "2001:db8::53" },
  ntp = { "192.0.2.123", "2001:db8::123" },
  syslog_tls = { "192.0.2.14", "2001:db8::14" },
}

return site
