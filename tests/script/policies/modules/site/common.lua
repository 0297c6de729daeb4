print "once"

local common = { names = { "unchanged" } }

common.web = tcp { 80, from = any }

function common.ssh(peer)
  return tcp { 22, from = peer }
end

return common
