# Licensed under the Apache License, Version 2.0; see LICENSE.

compile_tests = \
	tests/compile/test-l4 \
	tests/compile/test-ids \
	tests/compile/test-classify \
	tests/compile/test-emit \
	tests/compile/test-recover \
	tests/compile/test-incremental \
	tests/compile/test-review
check_PROGRAMS += $(compile_tests)
TESTS += $(compile_tests) tests/compile/counts.t
EXTRA_DIST += tests/compile/counts.t

compile_world = tests/compile/world.c tests/compile/world.h $(policy_fixture)

tests_compile_test_l4_SOURCES = tests/compile/test-l4.c $(compile_world)
tests_compile_test_l4_CPPFLAGS = $(policy_test_cppflags)
tests_compile_test_l4_LDADD = $(SG_CORE_LIBS)

tests_compile_test_ids_SOURCES = tests/compile/test-ids.c
tests_compile_test_ids_CPPFLAGS = $(policy_test_cppflags)
tests_compile_test_ids_LDADD = $(SG_CORE_LIBS)

tests_compile_test_classify_SOURCES = \
	tests/compile/test-classify.c \
	tests/compile/judge.c tests/compile/judge.h $(compile_world)
tests_compile_test_classify_CPPFLAGS = $(policy_test_cppflags)
tests_compile_test_classify_LDADD = $(SG_CORE_LIBS)

tests_compile_test_emit_SOURCES = tests/compile/test-emit.c $(compile_world)
tests_compile_test_emit_CPPFLAGS = $(policy_test_cppflags)
tests_compile_test_emit_LDADD = $(SG_CORE_LIBS)

tests_compile_test_recover_SOURCES = \
	tests/compile/test-recover.c $(compile_world)
tests_compile_test_recover_CPPFLAGS = $(policy_test_cppflags)
tests_compile_test_recover_LDADD = $(SG_CORE_LIBS)

tests_compile_test_incremental_SOURCES = \
	tests/compile/test-incremental.c $(compile_world)
tests_compile_test_incremental_CPPFLAGS = $(policy_test_cppflags)
tests_compile_test_incremental_LDADD = $(SG_CORE_LIBS)

tests_compile_test_review_SOURCES = \
	tests/compile/test-review.c \
	tests/compile/judge.c tests/compile/judge.h $(compile_world)
tests_compile_test_review_CPPFLAGS = $(policy_test_cppflags)
tests_compile_test_review_LDADD = $(SG_CORE_LIBS)
