-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- The global names of a policy file.  All files share one environment.

local host = ...

local strict = host.import "strict"

-- Names that people may look for here, and what to say.
local TEST <const> = "that is a word of policy tests; run them with `ovs-sgctl "
                     .. "test', and keep them out of the policy's folder"
local ABSENT <const> = {
  allowed = TEST, refused = TEST, ports = TEST, policy = TEST,
}

local policy

local WORDS <const> = {
  host.import("rules").words,
  host.import("groups").words,
  host.import("addresses").words,
  host.import("network").words,
  host.import("bind").words,
  { require = host.import("require")(function() return policy end) },
}

policy = strict.environment(WORDS, ABSENT)

return { policy = policy }
