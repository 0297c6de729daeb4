# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Faults under continuous traffic.  Where to begin reading: campaign.py.

FAULTS_TESTS = \
	tests/faults/faults.t \
	tests/faults/found.t

TESTS += $(FAULTS_TESTS)
EXTRA_DIST += $(FAULTS_TESTS) \
	tests/faults/campaign.py \
	tests/faults/faults.py \
	tests/faults/run \
	tests/faults/traffic.py \
	tests/faults/world.py

# make campaign-faults ROUNDS=200 SEED=4711
campaign-faults: all
	SG_SRCDIR='$(abs_top_srcdir)' SG_BUILDDIR='$(abs_top_builddir)' \
	SG_TEST_TIMEOUT=86400 $(srcdir)/build-aux/run-test \
	    $(srcdir)/tests/faults/run --rounds $(or $(ROUNDS),200) \
	    $(if $(SEED),--seed $(SEED))
.PHONY: campaign-faults
