# Licensed under the Apache License, Version 2.0; see LICENSE.

policy_tests = \
	tests/policy/test-prefix \
	tests/policy/test-diag \
	tests/policy/test-document \
	tests/policy/test-identity \
	tests/policy/test-admit \
	tests/policy/test-admit-changes \
	tests/policy/test-eval \
	tests/policy/test-networks \
	tests/policy/test-seen
check_PROGRAMS += $(policy_tests)
TESTS += $(policy_tests)

EXTRA_DIST += tests/tap.h
policy_fixture = tests/policy/fixture.c tests/policy/fixture.h
policy_test_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests

tests_policy_test_prefix_SOURCES = tests/policy/test-prefix.c
tests_policy_test_prefix_CPPFLAGS = $(policy_test_cppflags)
tests_policy_test_prefix_LDADD = $(SG_CORE_LIBS)

tests_policy_test_diag_SOURCES = tests/policy/test-diag.c
tests_policy_test_diag_CPPFLAGS = $(policy_test_cppflags)
tests_policy_test_diag_LDADD = $(SG_CORE_LIBS)

tests_policy_test_document_SOURCES = \
	tests/policy/test-document.c $(policy_fixture)
tests_policy_test_document_CPPFLAGS = $(policy_test_cppflags)
tests_policy_test_document_LDADD = $(SG_CORE_LIBS)

tests_policy_test_identity_SOURCES = \
	tests/policy/test-identity.c $(policy_fixture)
tests_policy_test_identity_CPPFLAGS = $(policy_test_cppflags)
tests_policy_test_identity_LDADD = $(SG_CORE_LIBS)

tests_policy_test_admit_SOURCES = tests/policy/test-admit.c $(policy_fixture)
tests_policy_test_admit_CPPFLAGS = $(policy_test_cppflags)
tests_policy_test_admit_LDADD = $(SG_CORE_LIBS)

tests_policy_test_admit_changes_SOURCES = \
	tests/policy/test-admit-changes.c $(policy_fixture)
tests_policy_test_admit_changes_CPPFLAGS = $(policy_test_cppflags)
tests_policy_test_admit_changes_LDADD = $(SG_CORE_LIBS)

tests_policy_test_eval_SOURCES = tests/policy/test-eval.c $(policy_fixture)
tests_policy_test_eval_CPPFLAGS = $(policy_test_cppflags)
tests_policy_test_eval_LDADD = $(SG_CORE_LIBS)

tests_policy_test_networks_SOURCES = \
	tests/policy/test-networks.c $(policy_fixture)
tests_policy_test_networks_CPPFLAGS = $(policy_test_cppflags)
tests_policy_test_networks_LDADD = $(SG_CORE_LIBS)

tests_policy_test_seen_SOURCES = tests/policy/test-seen.c $(policy_fixture)
tests_policy_test_seen_CPPFLAGS = $(policy_test_cppflags)
tests_policy_test_seen_LDADD = $(SG_CORE_LIBS)
