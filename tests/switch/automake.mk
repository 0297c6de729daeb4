# Licensed under the Apache License, Version 2.0; see LICENSE.

switch_tests = \
	tests/switch/test-control \
	tests/switch/test-cork \
	tests/switch/test-flows \
	tests/switch/test-flush \
	tests/switch/test-link \
	tests/switch/test-noflood \
	tests/switch/test-race \
	tests/switch/test-scale
check_PROGRAMS += $(switch_tests)
TESTS += $(switch_tests)

switch_lab = tests/lab.c tests/lab.h \
	tests/switch/switch-lab.c tests/switch/switch-lab.h
switch_test_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
switch_test_libs = libsgswitch.la $(SG_CORE_LIBS)

tests_switch_test_control_SOURCES = tests/switch/test-control.c $(switch_lab)
tests_switch_test_control_CPPFLAGS = $(switch_test_cppflags)
tests_switch_test_control_LDADD = $(switch_test_libs)

tests_switch_test_cork_SOURCES = tests/switch/test-cork.c tests/lab.c tests/lab.h
tests_switch_test_cork_CPPFLAGS = $(switch_test_cppflags)
tests_switch_test_cork_LDADD = $(switch_test_libs)

tests_switch_test_flows_SOURCES = tests/switch/test-flows.c $(switch_lab)
tests_switch_test_flows_CPPFLAGS = $(switch_test_cppflags)
tests_switch_test_flows_LDADD = $(switch_test_libs)

tests_switch_test_flush_SOURCES = tests/switch/test-flush.c tests/lab.c tests/lab.h
tests_switch_test_flush_CPPFLAGS = $(switch_test_cppflags)
tests_switch_test_flush_LDADD = $(switch_test_libs)

tests_switch_test_link_SOURCES = tests/switch/test-link.c tests/lab.c tests/lab.h
tests_switch_test_link_CPPFLAGS = $(switch_test_cppflags)
tests_switch_test_link_LDADD = $(switch_test_libs)

tests_switch_test_noflood_SOURCES = tests/switch/test-noflood.c $(switch_lab)
tests_switch_test_noflood_CPPFLAGS = $(switch_test_cppflags)
tests_switch_test_noflood_LDADD = $(switch_test_libs)

tests_switch_test_race_SOURCES = tests/switch/test-race.c $(switch_lab)
tests_switch_test_race_CPPFLAGS = $(switch_test_cppflags)
tests_switch_test_race_LDADD = $(switch_test_libs)

tests_switch_test_scale_SOURCES = tests/switch/test-scale.c $(switch_lab)
tests_switch_test_scale_CPPFLAGS = $(switch_test_cppflags)
tests_switch_test_scale_LDADD = $(switch_test_libs)
