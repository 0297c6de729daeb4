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
	tests/oracle/packet.py \
	tests/oracle/policies.py \
	tests/oracle/run \
	tests/oracle/traffic.py \
	tests/oracle/world.py

# A long run: make campaign PACKETS=1000000 [SEED=...]
PACKETS = 1000000
campaign: all
	$(AM_TESTS_ENVIRONMENT) SG_TEST_TIMEOUT=infinity \
	$(top_srcdir)/build-aux/run-test \
	$(top_srcdir)/tests/oracle/run --packets $(PACKETS) \
		$(if $(SEED),--seed $(SEED))
.PHONY: campaign
