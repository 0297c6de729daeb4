local common = require "site.common"
group "b" { ingress = { common.shs(any) } }
require "site.absent"
require "site.syntax"
require "site.raises_not"
require "10-good"
require "../site/common"
require "site..common"
require ""
require "sg.lang.init"
require "sg.absent"
require(5)
require("site.common", "site.deep.er")
require "site.circle"
require "site.Common"
require "site.latin1"
require(unknown_name)
pcall(require, "site.raises")
bind(function() require "site.late" end)
require "site.raises"
