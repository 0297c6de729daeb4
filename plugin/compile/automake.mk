# Licensed under the Apache License, Version 2.0; see LICENSE.

libovssg_la_SOURCES += \
	plugin/compile/flow.c \
	plugin/compile/flow.h
