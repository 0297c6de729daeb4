# Licensed under the Apache License, Version 2.0; see LICENSE.

learn_tests = \
	tests/learn/test-claim \
	tests/learn/test-table
check_PROGRAMS += $(learn_tests)
TESTS += $(learn_tests)

tests_learn_test_claim_SOURCES = tests/learn/test-claim.c tests/learn/frames.h
tests_learn_test_claim_CPPFLAGS = $(policy_test_cppflags) \
	-I$(top_srcdir)/tests/learn
tests_learn_test_claim_LDADD = $(SG_CORE_LIBS)

tests_learn_test_table_SOURCES = tests/learn/test-table.c $(policy_fixture)
tests_learn_test_table_CPPFLAGS = $(policy_test_cppflags) \
	-I$(top_srcdir)/tests/policy
tests_learn_test_table_LDADD = $(SG_CORE_LIBS)
