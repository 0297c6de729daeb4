# Licensed under the Apache License, Version 2.0; see LICENSE.

libovssg_la_SOURCES += \
	plugin/learn/claim.c \
	plugin/learn/claim.h \
	plugin/learn/table.c \
	plugin/learn/table.h
