# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# ovs-sgctl: without a switch, but for agent.t and completion.t.

CTL_TESTS = \
	tests/ctl/agent.t \
	tests/ctl/check.t \
	tests/ctl/client.t \
	tests/ctl/compile.t \
	tests/ctl/completion.t \
	tests/ctl/test.t \
	tests/ctl/usage.t

TESTS += $(CTL_TESTS)
EXTRA_DIST += $(CTL_TESTS) tests/ctl/offline.py
