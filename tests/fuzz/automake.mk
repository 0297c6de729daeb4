# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Fuzz targets, built apart from everything else: by clang, whatever CC is,
# with its fuzzer and sanitizers, in tests/fuzz/build.
#
#   make fuzz FUZZ_SECONDS=600      each target for ten minutes
#   make tests/fuzz/build/flows     one target, see `-help=1'

FUZZ_CC = clang-14
FUZZ_CFLAGS = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined
FUZZ_SECONDS = 60

fuzz_targets = document facts script flows conntrack packet-in \
	addresses channel
fuzz_programs = $(fuzz_targets:%=tests/fuzz/build/%)
fuzz_sources = $(filter %.c,$(libovssg_la_SOURCES) \
	$(libsgscript_la_SOURCES) $(libsglua_la_SOURCES) $(libsgswitch_la_SOURCES)) \
	plugin/resolve/memory.c plugin/resolve/parse.c tests/fuzz/fuzz.c
fuzz_objects = $(fuzz_sources:%.c=tests/fuzz/build/%.o)
fuzz_headers = $(wildcard $(srcdir)/plugin/*/*.h $(srcdir)/tests/fuzz/*.h)

TESTS += tests/fuzz/fuzz.t
EXTRA_DIST += \
	tests/fuzz/README.md \
	tests/fuzz/corpus \
	tests/fuzz/dict \
	tests/fuzz/fuzz.c \
	tests/fuzz/fuzz.h \
	tests/fuzz/fuzz.t \
	tests/fuzz/fuzz-addresses.c \
	tests/fuzz/fuzz-channel.c \
	tests/fuzz/fuzz-conntrack.c \
	tests/fuzz/fuzz-document.c \
	tests/fuzz/fuzz-facts.c \
	tests/fuzz/fuzz-flows.c \
	tests/fuzz/fuzz-packet-in.c \
	tests/fuzz/fuzz-script.c \
	tests/fuzz/run-fuzz

tests/fuzz/build/%.o: $(srcdir)/%.c $(fuzz_headers)
	@$(MKDIR_P) '$(@D)'
	$(AM_V_CC)$(FUZZ_CC) $(AM_CPPFLAGS) $(LUA_CFLAGS) \
		$(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<

fuzz_link = $(AM_V_CCLD)$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $^ \
	$(OVS_LIBS) $(UUID_LIBS) $(LUA_LIBS) $(SECCOMP_LIBS)

tests/fuzz/build/%: tests/fuzz/build/tests/fuzz/fuzz-%.o $(fuzz_objects)
	$(fuzz_link)

# It is the child itself.
tests/fuzz/build/channel: tests/fuzz/build/tests/fuzz/fuzz-channel.o \
		$(filter-out %/script/process.o,$(fuzz_objects))
	$(fuzz_link)

fuzz-programs: $(fuzz_programs)

fuzz: fuzz-programs
	@for target in $(fuzz_targets); do \
		OVS_SG_LUADIR='$(abs_top_srcdir)/lua' \
		'$(srcdir)/tests/fuzz/run-fuzz' "tests/fuzz/build/$$target" \
			$(FUZZ_SECONDS) || exit 1; \
	done

.PHONY: fuzz fuzz-programs
.PRECIOUS: tests/fuzz/build/%.o

clean-local:
	rm -rf tests/fuzz/build
