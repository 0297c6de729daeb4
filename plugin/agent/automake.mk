# Licensed under the Apache License, Version 2.0; see LICENSE.

libsgagent_la_SOURCES += \
	plugin/agent/admin.c \
	plugin/agent/admission.c \
	plugin/agent/barrier.c \
	plugin/agent/bridge-pass.c \
	plugin/agent/bridge.c \
	plugin/agent/compare.c \
	plugin/agent/core-private.h \
	plugin/agent/core.c \
	plugin/agent/core.h \
	plugin/agent/describe-addresses.c \
	plugin/agent/cuts.c \
	plugin/agent/describe.c \
	plugin/agent/describe.h \
	plugin/agent/explain.c \
	plugin/agent/forget.c \
	plugin/agent/functions.c \
	plugin/agent/grace.c \
	plugin/agent/inputs.c \
	plugin/agent/inputs.h \
	plugin/agent/learn.c \
	plugin/agent/limits.c \
	plugin/agent/loaded.c \
	plugin/agent/lookup.c \
	plugin/agent/lookup.h \
	plugin/agent/modeler.c \
	plugin/agent/modeler.h \
	plugin/agent/observe.c \
	plugin/agent/revoke.c \
	plugin/agent/settings.c \
	plugin/agent/settings.h \
	plugin/agent/stale.c \
	plugin/agent/states.c \
	plugin/agent/turns.c \
	plugin/agent/turns.h \
	plugin/agent/unixctl.c \
	plugin/agent/unixctl.h

sbin_PROGRAMS += ovs-sgd
ovs_sgd_SOURCES = plugin/agent/ovs-sgd.c
ovs_sgd_LDADD = $(SG_AGENT_LIBS)
