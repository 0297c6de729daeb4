-- Licensed under the Apache License, Version 2.0; see LICENSE.

-- The global names of a policy file.  All files share one environment.

local host = ...

local strict = host.import "strict"

-- Names that the language will have, and what to say until then.
local ABSENT <const> = {
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
