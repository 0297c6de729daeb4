-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- Services by name, as constructors of rules:
--
--   local services = require "sg.services"
--
--   group "web" {
--     ingress = {
--       services.https { from = any },
--       services.ssh { from = group "bastion" },
--       services.node_exporter { 9200, from = "192.0.2.9" },
--     },
--   }
--
-- A service takes what the rule takes: from or to, family, description.  The
-- ports are those of IANA's registry of service names and port numbers
-- (https://www.iana.org/assignments/service-names-port-numbers); the comment
-- gives the name in it, where that is another one, or says "customary" where
-- the registry has the number for something else, or for nothing.  Ports that
-- are given come instead.
--
-- A service of one protocol makes a rule, others a list of rules, which
-- `ingress' and `egress' take alike.

---@type sg.services
local services = {}

-- The author's table 't' with what it leaves open filled in.  What is no table
-- of the author's must give an error, and never a rule without ports, which is
-- one for all of them.
local function fill(t, ports, description)
  if type(t) ~= "table" then
    return t                    -- The word says what is wrong with it.
  elseif getmetatable(t) == false then
    return { t }                -- A group, say: no port, and no peer.
  end
  local rule = { description = description }
  for key, v in pairs(t) do
    rule[key] = v
    ports = type(key) ~= "number" and ports or nil  -- Others are given.
  end
  rule[1] = rule[1] == nil and ports or rule[1]
  return rule
end

local function both(t, ports, description)
  return { tcp(fill(t, ports, description)), udp(fill(t, ports, description)) }
end

-- SSH and remote control.

function services.ssh(t)
  return tcp(fill(t, 22, "SSH"))
end

function services.telnet(t)
  return tcp(fill(t, 23, "Telnet"))
end

-- ms-wbt-server.
function services.rdp(t)
  return both(t, 3389, "RDP")
end

-- rfb: display 0; the next ones count up.
function services.vnc(t)
  return tcp(fill(t, 5900, "VNC"))
end

-- wsman, wsmans.
function services.winrm(t)
  return tcp(fill(t, { 5985, 5986 }, "WinRM"))
end

-- The web.

function services.http(t)
  return tcp(fill(t, 80, "HTTP"))
end

function services.https(t)
  return tcp(fill(t, 443, "HTTPS"))
end

-- https, over QUIC.
function services.http3(t)
  return udp(fill(t, 443, "HTTP/3"))
end

-- Names, time, addresses.

-- domain.
function services.dns(t)
  return both(t, 53, "DNS")
end

-- domain-s.
function services.dns_tls(t)
  return tcp(fill(t, 853, "DNS over TLS"))
end

function services.ntp(t)
  return udp(fill(t, 123, "NTP"))
end

-- Mail.

function services.smtp(t)
  return tcp(fill(t, 25, "SMTP"))
end

-- submissions, submission.
function services.submission(t)
  return tcp(fill(t, { 465, 587 }, "mail submission"))
end

function services.imap(t)
  return tcp(fill(t, 143, "IMAP"))
end

function services.imaps(t)
  return tcp(fill(t, 993, "IMAP over TLS"))
end

function services.pop3s(t)
  return tcp(fill(t, 995, "POP3 over TLS"))
end

-- Directories and authentication.

function services.ldap(t)
  return both(t, 389, "LDAP")
end

function services.ldaps(t)
  return tcp(fill(t, 636, "LDAP over TLS"))
end

function services.kerberos(t)
  return both(t, 88, "Kerberos")
end

function services.kpasswd(t)
  return both(t, 464, "Kerberos passwords")
end

-- radius, radius-acct.
function services.radius(t)
  return udp(fill(t, { 1812, 1813 }, "RADIUS"))
end

-- Databases and caches.

-- postgresql.
function services.postgres(t)
  return tcp(fill(t, 5432, "PostgreSQL"))
end

function services.mysql(t)
  return tcp(fill(t, 3306, "MySQL"))
end

-- ms-sql-s.
function services.mssql(t)
  return tcp(fill(t, 1433, "SQL Server"))
end

function services.redis(t)
  return tcp(fill(t, 6379, "Redis"))
end

function services.mongodb(t)
  return tcp(fill(t, 27017, "MongoDB"))
end

-- memcache.
function services.memcached(t)
  return tcp(fill(t, 11211, "memcached"))
end

-- Customary.
function services.cassandra(t)
  return tcp(fill(t, 9042, "Cassandra"))
end

-- Customary.
function services.elasticsearch(t)
  return tcp(fill(t, 9200, "Elasticsearch"))
end

-- Queues and coordination.

function services.amqp(t)
  return tcp(fill(t, 5672, "AMQP"))
end

function services.amqps(t)
  return tcp(fill(t, 5671, "AMQP over TLS"))
end

function services.mqtt(t)
  return tcp(fill(t, 1883, "MQTT"))
end

-- secure-mqtt.
function services.mqtts(t)
  return tcp(fill(t, 8883, "MQTT over TLS"))
end

-- Customary.
function services.kafka(t)
  return tcp(fill(t, 9092, "Kafka"))
end

-- Customary.
function services.zookeeper(t)
  return tcp(fill(t, 2181, "ZooKeeper"))
end

-- etcd-client.
function services.etcd(t)
  return tcp(fill(t, 2379, "etcd, clients"))
end

-- etcd-server.
function services.etcd_peer(t)
  return tcp(fill(t, 2380, "etcd, members"))
end

-- Storage and files.

-- version 4; older ones need more.
function services.nfs(t)
  return tcp(fill(t, 2049, "NFS"))
end

-- microsoft-ds.
function services.smb(t)
  return tcp(fill(t, 445, "SMB"))
end

-- iscsi-target.
function services.iscsi(t)
  return tcp(fill(t, 3260, "iSCSI"))
end

function services.rsync(t)
  return tcp(fill(t, 873, "rsync"))
end

-- Monitoring and logs.

function services.snmp(t)
  return udp(fill(t, 161, "SNMP"))
end

-- snmptrap.
function services.snmp_trap(t)
  return udp(fill(t, 162, "SNMP traps"))
end

function services.syslog(t)
  return udp(fill(t, 514, "syslog"))
end

function services.syslog_tls(t)
  return tcp(fill(t, 6514, "syslog over TLS"))
end

-- Customary.
function services.prometheus(t)
  return tcp(fill(t, 9090, "Prometheus"))
end

-- Customary.
function services.node_exporter(t)
  return tcp(fill(t, 9100, "Prometheus node exporter"))
end

function services.zabbix_agent(t)
  return tcp(fill(t, 10050, "Zabbix agent"))
end

-- Clusters and networks.

-- Customary.
function services.kubernetes(t)
  return tcp(fill(t, 6443, "Kubernetes API"))
end

-- Customary.
function services.kubelet(t)
  return tcp(fill(t, 10250, "kubelet"))
end

function services.bgp(t)
  return tcp(fill(t, 179, "BGP"))
end

function services.vxlan(t)
  return udp(fill(t, 4789, "VXLAN"))
end

function services.geneve(t)
  return udp(fill(t, 6081, "Geneve"))
end

-- Customary.
function services.wireguard(t)
  return udp(fill(t, 51820, "WireGuard"))
end

function services.openflow(t)
  return tcp(fill(t, 6653, "OpenFlow"))
end

function services.ovsdb(t)
  return tcp(fill(t, 6640, "OVSDB"))
end

-- Messages.

-- Splits 'peers' by family: strings are of one, all others of both.
local function split(peers, v4, v6)
  if type(peers) == "table" and getmetatable(peers) == nil then
    for _, peer in pairs(peers) do
      split(peer, v4, v6)
    end
  elseif type(peers) == "string" then
    local list = peers:find(":", 1, true) and v6 or v4
    list[#list + 1] = peers
  else
    v4[#v4 + 1], v6[#v6 + 1] = peers, peers
  end
end

-- Echo requests, over the families of the peers.
function services.ping(t)
  local rule = fill(t, "echo-request", "ping")
  if type(rule) ~= "table" then
    return icmp(rule)
  end
  local key = rule.to ~= nil and "to" or "from"
  local v4, v6 = {}, {}
  split(rule[key], v4, v6)
  local made = {}
  if rule.family ~= "ipv6" and (v4[1] or not v6[1]) then
    rule[key] = v4[1] and v4 or rule[key]
    made[#made + 1] = icmp(rule)
  end
  if rule.family ~= "ipv4" and v6[1] then
    rule[key] = v6
    made[#made + 1] = icmp6(rule)
  end
  return made[1] and made or icmp(rule)
end

-- Services that have no name here: services.tcp(8080, "application") is one
-- like the others.

local function custom(word)
  return function(ports, description)
    return function(t)
      return word(fill(t, ports, description))
    end
  end
end

services.tcp = custom(tcp)
services.udp = custom(udp)
services.sctp = custom(sctp)

return services
