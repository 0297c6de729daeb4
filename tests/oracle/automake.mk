# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The oracle: what CONTRACT says of any packet, and a differential test against
# the switch.  Where to begin reading: campaign.py.

ORACLE_TESTS = tests/oracle/oracle.t

TESTS += $(ORACLE_TESTS)
EXTRA_DIST += $(ORACLE_TESTS) \
	tests/oracle/campaign.py \
	tests/oracle/contract.py \
	tests/oracle/model.py \
	tests/oracle/mutate \
	tests/oracle/mutants/arp.sed \
	tests/oracle/mutants/asked.sed \
	tests/oracle/mutants/behind.sed \
	tests/oracle/mutants/class.sed \
	tests/oracle/mutants/clause.sed \
	tests/oracle/mutants/copy.sed \
	tests/oracle/mutants/crossing.sed \
	tests/oracle/mutants/cut.sed \
	tests/oracle/mutants/dhcp.sed \
	tests/oracle/mutants/drain.sed \
	tests/oracle/mutants/egress.sed \
	tests/oracle/mutants/family.sed \
	tests/oracle/mutants/foreign.sed \
	tests/oracle/mutants/hole.sed \
	tests/oracle/mutants/longest.sed \
	tests/oracle/mutants/lost.sed \
	tests/oracle/mutants/mask.sed \
	tests/oracle/mutants/multicast.sed \
	tests/oracle/mutants/network.sed \
	tests/oracle/mutants/prefix.sed \
	tests/oracle/mutants/related.sed \
	tests/oracle/mutants/review.sed \
	tests/oracle/mutants/scope.sed \
	tests/oracle/mutants/stale.sed \
	tests/oracle/mutants/syn.sed \
	tests/oracle/mutants/tables.sed \
	tests/oracle/mutants/target.sed \
	tests/oracle/mutants/vlan.sed \
	tests/oracle/mutants/votes.sed \
	tests/oracle/packet.py \
	tests/oracle/policies.py \
	tests/oracle/run \
	tests/oracle/traffic.py \
	tests/oracle/world.py

# A long run: make campaign PACKETS=1000000 [SEED=...] [JOBS=...]
PACKETS = 1000000
campaign: all
	$(AM_TESTS_ENVIRONMENT) SG_TEST_TIMEOUT=infinity \
	$(top_srcdir)/build-aux/run-test \
	$(top_srcdir)/tests/oracle/run --packets $(PACKETS) \
		$(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS))

# Breaks the compiler in many ways, one at a time: is each found?
mutants: all
	$(AM_TESTS_ENVIRONMENT) \
	$(top_srcdir)/tests/oracle/mutate $(srcdir) . $(MUTANTS)
.PHONY: campaign mutants
