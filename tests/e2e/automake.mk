# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# End-to-end tests: a real switch, the agent and packets.  Where to begin
# reading: harness/lab.py.

E2E_TESTS = \
	tests/e2e/addresses.t \
	tests/e2e/antispoof.t \
	tests/e2e/appear.t \
	tests/e2e/basic.t \
	tests/e2e/bind.t \
	tests/e2e/bridges.t \
	tests/e2e/change.t \
	tests/e2e/conntrack.t \
	tests/e2e/crafted.t \
	tests/e2e/crowd.t \
	tests/e2e/ctl.t \
	tests/e2e/datapath.t \
	tests/e2e/errors.t \
	tests/e2e/examples.t \
	tests/e2e/flowmods.t \
	tests/e2e/found.t \
	tests/e2e/holes.t \
	tests/e2e/hostile.t \
	tests/e2e/l2.t \
	tests/e2e/learn.t \
	tests/e2e/libvirt.t \
	tests/e2e/networks.t \
	tests/e2e/observe.t \
	tests/e2e/quiet.t \
	tests/e2e/restart.t \
	tests/e2e/scenarios.t \
	tests/e2e/selftest.t \
	tests/e2e/stale.t \
	tests/e2e/truth.t \
	tests/e2e/turns.t \
	tests/e2e/work.t

# The same once more with the agent inside the switch; harness/host.py.  What
# is about the process of the agent skips itself.
PLUGIN_TESTS = $(E2E_TESTS) $(HOST_TESTS)
check-plugin: all check-programs
	+SG_HOST=ovs-sg.so $(MAKE) check TESTS='$(PLUGIN_TESTS)'
.PHONY: check-plugin

# A port comes and goes 500 times in a flood of packets, on both hosts.
appear: all check-programs
	for host in ovs-sgd ovs-sg.so; do \
		SG_SRCDIR='$(abs_top_srcdir)' SG_BUILDDIR='$(abs_top_builddir)' \
		OVS_SG_LUADIR='$(abs_top_srcdir)/lua' \
		SG_HOST=$$host SG_ROUNDS=500 SG_TEST_TIMEOUT=1800 \
			$(top_srcdir)/build-aux/run-test \
			$(top_srcdir)/tests/e2e/appear.t || exit 1; \
	done
.PHONY: appear

# What 10,000 reloads do to the agent's memory.
reloads: all check-programs
	SG_SRCDIR='$(abs_top_srcdir)' SG_BUILDDIR='$(abs_top_builddir)' \
	OVS_SG_LUADIR='$(abs_top_srcdir)/lua' \
	SG_RELOADS=10000 SG_TEST_TIMEOUT=7200 \
		$(top_srcdir)/build-aux/run-test \
		$(top_srcdir)/tests/e2e/hostile.t -k memory
.PHONY: reloads

TESTS += $(E2E_TESTS)
EXTRA_DIST += $(E2E_TESTS) \
	tests/e2e/harness/__init__.py \
	tests/e2e/harness/agent.py \
	tests/e2e/harness/exercise.py \
	tests/e2e/harness/frames.py \
	tests/e2e/harness/guest.py \
	tests/e2e/harness/host.py \
	tests/e2e/harness/kernel.py \
	tests/e2e/harness/lab.py \
	tests/e2e/harness/libvirt.py \
	tests/e2e/harness/netns.py \
	tests/e2e/harness/peer.py \
	tests/e2e/harness/plugin.py \
	tests/e2e/harness/process.py \
	tests/e2e/harness/relay.py \
	tests/e2e/harness/sandbox.py \
	tests/e2e/harness/servers.py \
	tests/e2e/harness/tap.py \
	tests/e2e/harness/tiers.py \
	tests/e2e/harness/unixctl.py \
	tests/e2e/harness/watch.py
