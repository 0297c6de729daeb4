# Licensed under the Apache License, Version 2.0; see LICENSE.

resolve_tests = \
	tests/resolve/test-parse \
	tests/resolve/test-resolver
check_PROGRAMS += $(resolve_tests)
TESTS += $(resolve_tests)

tests_resolve_test_parse_SOURCES = tests/resolve/test-parse.c
tests_resolve_test_parse_CPPFLAGS = $(policy_test_cppflags)
tests_resolve_test_parse_LDADD = $(SG_RESOLVE_LIBS)

tests_resolve_test_resolver_SOURCES = \
	tests/resolve/test-resolver.c $(policy_fixture)
tests_resolve_test_resolver_CPPFLAGS = $(policy_test_cppflags)
tests_resolve_test_resolver_LDADD = $(SG_RESOLVE_LIBS)
