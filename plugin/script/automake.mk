# Licensed under the Apache License, Version 2.0; see LICENSE.

libsgscript_la_SOURCES += \
	plugin/script/answers.c \
	plugin/script/answers.h \
	plugin/script/budgets.c \
	plugin/script/budgets.h \
	plugin/script/channel.c \
	plugin/script/channel.h \
	plugin/script/facts.c \
	plugin/script/facts.h \
	plugin/script/files.c \
	plugin/script/files.h \
	plugin/script/install.c \
	plugin/script/install.h \
	plugin/script/process.c \
	plugin/script/process.h \
	plugin/script/script.c \
	plugin/script/script.h \
	plugin/script/sources.c \
	plugin/script/sources.h \
	plugin/script/wire.c \
	plugin/script/wire.h

libsglua_la_SOURCES += \
	plugin/script/child.c \
	plugin/script/child.h \
	plugin/script/chunk.c \
	plugin/script/chunk.h \
	plugin/script/host.c \
	plugin/script/host.h \
	plugin/script/interpreter.c \
	plugin/script/interpreter.h \
	plugin/script/lockdown.c \
	plugin/script/lockdown.h \
	plugin/script/lua-json.c \
	plugin/script/lua-json.h \
	plugin/script/pattern.c \
	plugin/script/pattern.h \
	plugin/script/sandbox.c \
	plugin/script/sandbox.h \
	plugin/script/state.c \
	plugin/script/state.h

pkglibexec_PROGRAMS += ovs-sg-script
ovs_sg_script_SOURCES = plugin/script/ovs-sg-script.c
ovs_sg_script_LDADD = $(SG_LUA_LIBS)
