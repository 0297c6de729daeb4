# Licensed under the Apache License, Version 2.0; see LICENSE.

libsgresolve_la_SOURCES += \
	plugin/resolve/asker.c \
	plugin/resolve/asker.h \
	plugin/resolve/dns.c \
	plugin/resolve/file.c \
	plugin/resolve/http.c \
	plugin/resolve/loop.c \
	plugin/resolve/loop.h \
	plugin/resolve/memory.c \
	plugin/resolve/memory.h \
	plugin/resolve/parse.c \
	plugin/resolve/parse.h \
	plugin/resolve/question.c \
	plugin/resolve/question.h \
	plugin/resolve/resolver.c \
	plugin/resolve/resolver.h \
	plugin/resolve/saver.c \
	plugin/resolve/saver.h
