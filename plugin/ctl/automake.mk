# Licensed under the Apache License, Version 2.0; see LICENSE.

bin_PROGRAMS += ovs-sgctl
ovs_sgctl_SOURCES = \
	plugin/ctl/agent-commands.c \
	plugin/ctl/check-command.c \
	plugin/ctl/client.c \
	plugin/ctl/client.h \
	plugin/ctl/compile-command.c \
	plugin/ctl/facts-file.c \
	plugin/ctl/facts-file.h \
	plugin/ctl/ovs-sgctl.c \
	plugin/ctl/observe-command.c \
	plugin/ctl/observe-command.h \
	plugin/ctl/policy-loader.c \
	plugin/ctl/policy-loader.h \
	plugin/ctl/render.c \
	plugin/ctl/render.h \
	plugin/ctl/sample.c \
	plugin/ctl/sample.h \
	plugin/ctl/sgctl.h \
	plugin/ctl/test-assertion.c \
	plugin/ctl/test-command.c \
	plugin/ctl/test-step.c \
	plugin/ctl/test-step.h \
	plugin/ctl/test-tap.c \
	plugin/ctl/test-tap.h \
	plugin/ctl/test-world.c \
	plugin/ctl/test-world.h
ovs_sgctl_LDADD = $(SG_SCRIPT_LIBS)
