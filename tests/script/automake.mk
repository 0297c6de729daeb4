# Licensed under the Apache License, Version 2.0; see LICENSE.

script_tests = \
	tests/script/bind.t \
	tests/script/doc.t \
	tests/script/examples.t \
	tests/script/hostile.t \
	tests/script/library.t \
	tests/script/policies.t \
	tests/script/words.t
script_programs = \
	tests/script/test-lockdown \
	tests/script/test-pattern \
	tests/script/test-script
check_PROGRAMS += tests/script/dump-document tests/script/unguarded-script \
	$(script_programs)
TESTS += $(script_tests) $(script_programs)

# Folders: each policy in them is a test of its own.
EXTRA_DIST += $(script_tests) \
	examples/three-tier.lua \
	tests/script/bind \
	tests/script/hostile \
	tests/script/policies

tests_script_dump_document_SOURCES = tests/script/dump-document.c
tests_script_dump_document_LDADD = $(SG_SCRIPT_LIBS)

tests_script_unguarded_script_SOURCES = tests/script/unguarded-script.c
tests_script_unguarded_script_CPPFLAGS = $(AM_CPPFLAGS) $(LUA_CFLAGS)
tests_script_unguarded_script_LDADD = $(SG_LUA_LIBS)

tests_script_test_script_SOURCES = tests/script/test-script.c
tests_script_test_script_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_script_test_script_LDADD = $(SG_SCRIPT_LIBS)

tests_script_test_lockdown_SOURCES = tests/script/test-lockdown.c
tests_script_test_lockdown_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_script_test_lockdown_LDADD = $(SG_LUA_LIBS)

tests_script_test_pattern_SOURCES = tests/script/test-pattern.c
tests_script_test_pattern_CPPFLAGS = $(AM_CPPFLAGS) $(LUA_CFLAGS) \
	-I$(top_srcdir)/tests
tests_script_test_pattern_LDADD = $(SG_LUA_LIBS)
