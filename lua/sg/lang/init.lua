-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- The policy language
-- ===================
--
-- This folder is the language itself: trusted code, run by the host
-- (plugin/script/) in the same Lua state as the policy files, which see
-- nothing of it but the words.  It records what the author wrote, with its
-- place, as the policy document (plugin/policy/document.h), and judges only
-- what no document could carry.
--
--   report     errors and warnings; the value of what is unknown
--   handle     what `group "web"', `any' and the like return
--   value      the author's values as document values
--   rules      tcp udp sctp icmp icmp6 ip all any
--   groups     group prefix_list members
--   addresses  addresses
--   network    network: what exists in one network alone
--   bind       bind, and its callbacks after the load
--   strict     environments: global names, and those that are not there
--   require    require
--   env        the environment of a policy file
--   test       the words of policy tests, which are files of their own
--
-- A module is a chunk that gets `host' (plugin/script/host.h) as argument
-- and returns a table.
--
-- Nothing here may trust a table of the author's: only raw access, no
-- metamethod of theirs is called, and whatever walks their tables has a limit
-- of depth.

local host = ...

local report = host.import "report"
local rules = host.import "rules"
local groups = host.import "groups"
local addresses = host.import "addresses"
local network = host.import "network"
local bind = host.import "bind"
local env = host.import "env"

local language = { env = env.policy, call = bind.call,
                   resolve = addresses.call }

-- Ends the load and returns the document.  'complete' is false if some file
-- was not run to its end: then what seems to be missing may only not have
-- been reached.
function language.finish(complete)
  if complete then
    rules.warn_unused()
  end
  groups.check_unused()
  network.check_unused()
  local document = {
    groups = groups.groups,
    prefix_lists = groups.prefix_lists,
    addresses = addresses.sets,
    members = groups.members,
    refs = network.references(groups.references()),
    binds = bind.binds,
    errors = report.errors,
    warnings = report.warnings,
    incomplete = not complete,
  }
  report.close()
  rules.forget()
  groups.forget()
  addresses.forget()
  network.forget()
  bind.forget()
  return document
end

return language
