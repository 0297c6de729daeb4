# Licensed under the Apache License, Version 2.0; see LICENSE.

dist_man_MANS += \
	man/ovs-sg-policy.5 \
	man/ovs-sgctl.8 \
	man/ovs-sgd.8

if HAVE_OVS_PLUGIN
dist_man_MANS += man/ovs-sg.so.8
else
EXTRA_DIST += man/ovs-sg.so.8
endif
