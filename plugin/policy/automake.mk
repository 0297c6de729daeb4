# Licensed under the Apache License, Version 2.0; see LICENSE.

libovssg_la_SOURCES += \
	plugin/policy/addresses.c \
	plugin/policy/addresses.h \
	plugin/policy/admit.c \
	plugin/policy/bind.c \
	plugin/policy/bridge.c \
	plugin/policy/diag.c \
	plugin/policy/diag.h \
	plugin/policy/document.c \
	plugin/policy/document.h \
	plugin/policy/eval.c \
	plugin/policy/eval.h \
	plugin/policy/facts-json.c \
	plugin/policy/facts.c \
	plugin/policy/icmp.c \
	plugin/policy/icmp.h \
	plugin/policy/identity.c \
	plugin/policy/lint-ports.c \
	plugin/policy/lint.c \
	plugin/policy/lint.h \
	plugin/policy/load.h \
	plugin/policy/peer.c \
	plugin/policy/policy.c \
	plugin/policy/policy.h \
	plugin/policy/port-copy.c \
	plugin/policy/port.h \
	plugin/policy/ports.c \
	plugin/policy/prefix.c \
	plugin/policy/prefix.h \
	plugin/policy/reader.c \
	plugin/policy/reference.c \
	plugin/policy/rule-layer4.c \
	plugin/policy/rule-peers.c \
	plugin/policy/rule.c \
	plugin/policy/seen.c \
	plugin/policy/seen.h \
	plugin/policy/sets.c \
	plugin/policy/trace.c
