# Licensed under the Apache License, Version 2.0; see LICENSE.

libsgports_la_SOURCES += \
	plugin/ports/admin.c \
	plugin/ports/managers.c \
	plugin/ports/monitor.c \
	plugin/ports/ovsdb-private.h \
	plugin/ports/ovsdb.c \
	plugin/ports/ports.h \
	plugin/ports/rows.c \
	plugin/ports/state.c \
	plugin/ports/sync.c \
	plugin/ports/write.c
