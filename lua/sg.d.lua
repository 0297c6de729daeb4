-- Licensed under the Apache License, Version 2.0; see LICENSE.

---@meta

-- The words of policies and of policy tests, for editors with the Lua language
-- server (LuaLS).  Nothing loads this file.  In the settings of a folder with
-- policies, .luarc.json:
--
--   { "runtime.version": "Lua 5.4",
--     "workspace.library": ["/usr/share/ovs-sg/lua"] }

-- What words return.

---A rule, for `ingress` or `egress` of a group.
---@class sg.Rule

---Rules, nested or not: lists are flattened.
---@alias sg.Rules sg.Rule | sg.Rules[]

---@class sg.Any

---A group.  Called with a table, it is defined.
---@class sg.Group
---@field name string
---@overload fun(spec: sg.GroupSpec): sg.Group

---@class sg.PrefixList
---@field name string
---@overload fun(list: sg.Entries): sg.PrefixList

---@class sg.Addresses
---@field name string
---@overload fun(spec: sg.AddressesSpec): sg.Addresses

---@class sg.Members
---@overload fun(list: sg.Entries): sg.Members

---@class sg.Network
---@field name string
---@field group fun(name: string): sg.Group the group of that network
---@overload fun(block: (sg.Group | sg.Members | table)[])

-- What words take.

---`any`, an address ("192.0.2.1"), a prefix ("2001:db8::/32"), a group, a
---prefix list, a set of addresses, or a list of those.
---@alias sg.Peer sg.Any | string | sg.Group | sg.PrefixList | sg.Addresses | sg.Peer[]

---Addresses and prefixes.  `members` also takes sets of addresses.
---@alias sg.Entries (string | sg.Addresses | sg.Entries)[]

---A port, "LO-HI", or a list of those.
---@alias sg.Ports integer | string | (integer | string)[]

---@class sg.RuleSpec
---@field from? sg.Peer who may send; in ingress
---@field to? sg.Peer who may be reached; in egress
---@field family? "ipv4" | "ipv6" only this family
---@field description? string for people

---@class sg.PortRuleSpec: sg.RuleSpec
---@field [1]? sg.Ports destination ports; absent: all

---@class sg.IcmpRuleSpec: sg.RuleSpec
---@field [1]? string name of a message, or a list of names
---@field type? integer 0 to 255; absent: all
---@field code? integer 0 to 255; absent: all

---@class sg.IpRuleSpec: sg.RuleSpec
---@field protocol integer 0 to 255

---@class sg.GroupSpec
---@field description? string for people
---@field ingress? sg.Rules what may come to the members; absent: nothing
---@field egress? sg.Rules what they may send; absent: everything
---@field revocation? "cut" | "drain" of connections that a change forbids

---@class sg.AddressesSpec
---@field file? string name of a file
---@field dns? string | string[] names to resolve
---@field http? string URL
---@field resolve? fun(): string[]
---@field interval? integer seconds between two questions
---@field timeout? integer seconds that a question may take
---@field on_error? "keep" | "empty" what a source that fails stands for
---@field max_change? integer | string most that one answer may change; "50%"
---@field min_ttl? integer seconds; DNS
---@field max_ttl? integer seconds; DNS
---@field nameservers? string | string[] DNS; absent: those of resolv.conf
---@field max_size? integer most bytes that are read; file and HTTP
---@field format? "lines" | "json" file and HTTP
---@field path? string JSON: keys to the list, "a.b"
---@field field? string JSON: key of the address in the objects of the list
---@field ca? string file of certificates to trust; HTTP

---@class sg.BindSpec
---@field groups? string | sg.Group | (string | sg.Group)[]
---@field where sg.BindWhere

---What must be true of an interface.  Patterns have `*`, `?` and `[a-z]`.
---@class sg.BindWhere
---@field name? string | string[] of the interface
---@field bridge? string | string[] its name
---@field type? string | string[] as in OVSDB
---@field tag? integer | integer[] access VLAN
---@field mac? string | string[] one of attached-mac
---@field address? string | string[] a prefix that one of sg-addresses is in
---@field external_ids? table<string, string>

---An interface, as a function given to `bind` gets it.  Read-only.
---@class sg.Port
---@field name string
---@field bridge string
---@field type string "" for an ordinary one
---@field ofport? integer
---@field tag? integer access VLAN
---@field vlan_mode? string
---@field trunks? integer[]
---@field mac? string the first of macs
---@field macs string[] of attached-mac
---@field addresses string[] of sg-addresses
---@field external_ids table<string, string>

-- Words of policies.

---The peer that is everyone, IPv4 and IPv6.
---@type sg.Any
any = {}

---A security group: `group "web"` refers, `group "web" { ... }` defines.
---@param name string
---@return sg.Group
function group(name) end

---A named list of prefixes: `prefix_list "office" { "192.0.2.0/24" }`.
---@param name string
---@return sg.PrefixList
function prefix_list(name) end

---A named set of addresses that changes while the agent runs.  In a policy
---test: the value that it shall have.
---@param name string
---@return sg.Addresses
function addresses(name) end

---Members of a group that are not ports of this host.
---@param name string | sg.Group
---@return sg.Members
function members(name) end

---Groups and members of one network: `network "blue" { group "web" { ... } }`.
---@param name string
---@return sg.Network
function network(name) end

---@param spec sg.PortRuleSpec
---@return sg.Rule
function tcp(spec) end

---@param spec sg.PortRuleSpec
---@return sg.Rule
function udp(spec) end

---@param spec sg.PortRuleSpec
---@return sg.Rule
function sctp(spec) end

---@param spec sg.IcmpRuleSpec
---@return sg.Rule
function icmp(spec) end

---@param spec sg.IcmpRuleSpec
---@return sg.Rule
function icmp6(spec) end

---@param spec sg.IpRuleSpec
---@return sg.Rule
function ip(spec) end

---All IP traffic.
---@param spec sg.RuleSpec
---@return sg.Rule
function all(spec) end

---Groups for interfaces that have no sg-groups of their own.  A function
---returns nil for an interface that is not its business.
---@param what sg.BindSpec | fun(port: sg.Port): string | sg.Group | (string | sg.Group)[] | nil
function bind(what) end

-- Words of policy tests (ovs-sgctl test).

---@class sg.TestPort
---@field groups? string | string[] sg-groups; absent: `bind` decides
---@field addresses? string | string[] sg-addresses
---@field mac? string | string[] attached-mac
---@field network? string sg-network
---@field bridge? string absent: br0
---@field tag? integer
---@field trunks? integer[]
---@field vlan_mode? string
---@field type? string
---@field ofport? integer
---@field external_ids? table<string, string>

---Names of ports, addresses, or lists of those.
---@alias sg.Side string | sg.Side[]

---@class sg.Expectation
---@field from sg.Side
---@field to sg.Side
---@field tcp? sg.Ports
---@field udp? sg.Ports
---@field sctp? sg.Ports
---@field icmp? string | integer | (string | integer)[]
---@field icmp6? string | integer | (string | integer)[]
---@field ip? integer | integer[] protocol numbers
---@field family? "ipv4" | "ipv6" absent: each that both sides have
---@field description? string

---The policy that is tested: files and folders, seen from the test file.
---@param path string | string[]
function policy(path) end

---Interfaces by name.
---@param ports table<string, sg.TestPort>
function ports(ports) end

---All of these connections must be allowed.
---@param what sg.Expectation
function allowed(what) end

---None of these connections may be allowed.
---@param what sg.Expectation
function refused(what) end

---The groups that a port is in; false: it is not guarded.
---@param ports table<string, string | string[] | false>
function groups(ports) end

-- require "sg.services".

---Takes what a rule takes; ports that are given come instead of the usual.
---@alias sg.Service fun(spec: sg.PortRuleSpec): sg.Rules

---@class sg.services
---@field ssh sg.Service SSH: tcp 22
---@field telnet sg.Service Telnet: tcp 23
---@field rdp sg.Service RDP: tcp and udp 3389
---@field vnc sg.Service VNC: tcp 5900
---@field winrm sg.Service WinRM: tcp 5985, 5986
---@field http sg.Service HTTP: tcp 80
---@field https sg.Service HTTPS: tcp 443
---@field http3 sg.Service HTTP/3: udp 443
---@field dns sg.Service DNS: tcp and udp 53
---@field dns_tls sg.Service DNS over TLS: tcp 853
---@field ntp sg.Service NTP: udp 123
---@field smtp sg.Service SMTP: tcp 25
---@field submission sg.Service mail submission: tcp 465, 587
---@field imap sg.Service IMAP: tcp 143
---@field imaps sg.Service IMAP over TLS: tcp 993
---@field pop3s sg.Service POP3 over TLS: tcp 995
---@field ldap sg.Service LDAP: tcp and udp 389
---@field ldaps sg.Service LDAP over TLS: tcp 636
---@field kerberos sg.Service Kerberos: tcp and udp 88
---@field kpasswd sg.Service Kerberos passwords: tcp and udp 464
---@field radius sg.Service RADIUS: udp 1812, 1813
---@field postgres sg.Service PostgreSQL: tcp 5432
---@field mysql sg.Service MySQL: tcp 3306
---@field mssql sg.Service SQL Server: tcp 1433
---@field redis sg.Service Redis: tcp 6379
---@field mongodb sg.Service MongoDB: tcp 27017
---@field memcached sg.Service memcached: tcp 11211
---@field cassandra sg.Service Cassandra: tcp 9042
---@field elasticsearch sg.Service Elasticsearch: tcp 9200
---@field amqp sg.Service AMQP: tcp 5672
---@field amqps sg.Service AMQP over TLS: tcp 5671
---@field mqtt sg.Service MQTT: tcp 1883
---@field mqtts sg.Service MQTT over TLS: tcp 8883
---@field kafka sg.Service Kafka: tcp 9092
---@field zookeeper sg.Service ZooKeeper: tcp 2181
---@field etcd sg.Service etcd, clients: tcp 2379
---@field etcd_peer sg.Service etcd, members: tcp 2380
---@field nfs sg.Service NFS: tcp 2049
---@field smb sg.Service SMB: tcp 445
---@field iscsi sg.Service iSCSI: tcp 3260
---@field rsync sg.Service rsync: tcp 873
---@field snmp sg.Service SNMP: udp 161
---@field snmp_trap sg.Service SNMP traps: udp 162
---@field syslog sg.Service syslog: udp 514
---@field syslog_tls sg.Service syslog over TLS: tcp 6514
---@field prometheus sg.Service Prometheus: tcp 9090
---@field node_exporter sg.Service Prometheus node exporter: tcp 9100
---@field zabbix_agent sg.Service Zabbix agent: tcp 10050
---@field kubernetes sg.Service Kubernetes API: tcp 6443
---@field kubelet sg.Service kubelet: tcp 10250
---@field bgp sg.Service BGP: tcp 179
---@field vxlan sg.Service VXLAN: udp 4789
---@field geneve sg.Service Geneve: udp 6081
---@field wireguard sg.Service WireGuard: udp 51820
---@field openflow sg.Service OpenFlow: tcp 6653
---@field ovsdb sg.Service OVSDB: tcp 6640
---@field ping sg.Service echo requests, icmp and icmp6
---@field tcp fun(ports: sg.Ports, description?: string): sg.Service
---@field udp fun(ports: sg.Ports, description?: string): sg.Service
---@field sctp fun(ports: sg.Ports, description?: string): sg.Service

-- require "sg.patterns".

---@alias sg.ServiceList sg.Service | sg.ServiceList[]

---@class sg.TierToTier
---@field from sg.Group
---@field to sg.Group
---@field service sg.ServiceList
---@field description? string

---@class sg.Bastion
---@field bastion sg.Group
---@field from sg.Peer
---@field targets sg.Peer
---@field service? sg.ServiceList absent: SSH

---@class sg.LoadBalancer
---@field balancer sg.Group
---@field targets sg.Group
---@field from? sg.Peer absent: any
---@field listen sg.ServiceList what the balancer offers
---@field forward sg.ServiceList what it uses of its targets
---@field health? sg.ServiceList

---@class sg.Monitored
---@field from sg.Peer
---@field service? sg.ServiceList absent: the node exporter

---@class sg.patterns
---@field among fun(members: sg.Group, service?: sg.ServiceList): sg.Rules
---@field tier_to_tier fun(t: sg.TierToTier): { from: sg.Rules, to: sg.Rules }
---@field bastion fun(t: sg.Bastion): { bastion: sg.GroupSpec, targets: sg.Rules }
---@field load_balancer fun(t: sg.LoadBalancer): { balancer: sg.GroupSpec, targets: sg.Rules }
---@field monitored fun(t: sg.Monitored): sg.Rules
---@field egress fun(t: table<string, sg.Peer>): sg.Rules
