# Licensed under the Apache License, Version 2.0; see LICENSE.

PORTS_TESTS = \
	tests/ports/test-admin \
	tests/ports/test-facts \
	tests/ports/test-states \
	tests/ports/test-sync
PORTS_LAB = tests/lab.c tests/lab.h tests/ports/ports-lab.c tests/ports/ports-lab.h
PORTS_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
PORTS_LIBS = libsgports.la $(SG_CORE_LIBS)

check_PROGRAMS += $(PORTS_TESTS)
TESTS += $(PORTS_TESTS)

tests_ports_test_admin_SOURCES = tests/ports/test-admin.c $(PORTS_LAB)
tests_ports_test_admin_CPPFLAGS = $(PORTS_CPPFLAGS)
tests_ports_test_admin_LDADD = $(PORTS_LIBS)
tests_ports_test_facts_SOURCES = tests/ports/test-facts.c $(PORTS_LAB)
tests_ports_test_facts_CPPFLAGS = $(PORTS_CPPFLAGS)
tests_ports_test_facts_LDADD = $(PORTS_LIBS)
tests_ports_test_states_SOURCES = tests/ports/test-states.c $(PORTS_LAB)
tests_ports_test_states_CPPFLAGS = $(PORTS_CPPFLAGS)
tests_ports_test_states_LDADD = $(PORTS_LIBS)
tests_ports_test_sync_SOURCES = tests/ports/test-sync.c $(PORTS_LAB)
tests_ports_test_sync_CPPFLAGS = $(PORTS_CPPFLAGS)
tests_ports_test_sync_LDADD = $(PORTS_LIBS)
