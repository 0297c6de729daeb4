# Licensed under the Apache License, Version 2.0; see LICENSE.

libsgswitch_la_SOURCES += \
	plugin/switch/bundle.c \
	plugin/switch/conntrack-parse.c \
	plugin/switch/conntrack-parse.h \
	plugin/switch/control.c \
	plugin/switch/control.h \
	plugin/switch/cork.c \
	plugin/switch/cork.h \
	plugin/switch/dump.c \
	plugin/switch/flush.c \
	plugin/switch/foreign.c \
	plugin/switch/link.c \
	plugin/switch/link.h \
	plugin/switch/megaflow.c \
	plugin/switch/megaflow.h \
	plugin/switch/monitor.c \
	plugin/switch/noflood.c \
	plugin/switch/shown.c \
	plugin/switch/switch-private.h \
	plugin/switch/switch.c \
	plugin/switch/switch.h \
	plugin/switch/taken.c
