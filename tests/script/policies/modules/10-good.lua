local common = require "site.common"

group "a" { ingress = { common.ssh(any), common.web } }

-- The copy is this file's own.
common.web = nil
common.names[1] = "changed"
print(common.names[1], require "site.common".names[1])
print(rawequal(require("site.common").ssh, common.ssh))
print(require "site.deep.er", require "site.nothing")
