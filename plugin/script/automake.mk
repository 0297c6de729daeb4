# Licensed under the Apache License, Version 2.0; see LICENSE.

libsgscript_la_SOURCES += \
	plugin/script/budgets.c \
	plugin/script/budgets.h \
	plugin/script/chunk.c \
	plugin/script/chunk.h \
	plugin/script/facts.c \
	plugin/script/facts.h \
	plugin/script/files.c \
	plugin/script/files.h \
	plugin/script/host.c \
	plugin/script/host.h \
	plugin/script/install.c \
	plugin/script/install.h \
	plugin/script/interpreter.c \
	plugin/script/interpreter.h \
	plugin/script/lua-json.c \
	plugin/script/lua-json.h \
	plugin/script/pattern.c \
	plugin/script/pattern.h \
	plugin/script/sandbox.c \
	plugin/script/sandbox.h \
	plugin/script/script.c \
	plugin/script/script.h \
	plugin/script/sources.c \
	plugin/script/sources.h \
	plugin/script/state.c \
	plugin/script/state.h
