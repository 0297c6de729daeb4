# Licensed under the Apache License, Version 2.0; see LICENSE.

AGENT_TESTS = \
	tests/agent/daemon.t

TESTS += $(AGENT_TESTS)
EXTRA_DIST += $(AGENT_TESTS)
