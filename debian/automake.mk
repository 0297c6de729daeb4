# Licensed under the Apache License, Version 2.0; see LICENSE.

EXTRA_DIST += \
	debian/10-starter.lua \
	debian/changelog \
	debian/control \
	debian/copyright \
	debian/ovs-sg.bash-completion \
	debian/ovs-sg.examples \
	debian/ovs-sg.logrotate \
	debian/ovs-sg.ovs-sgd.service \
	debian/ovs-sg.postrm \
	debian/ovs-sg.prerm \
	debian/ovs-sgctl.bash \
	debian/ovs-sgd.default \
	debian/rules \
	debian/source/format \
	debian/unprivileged/agent.conf \
	debian/unprivileged/switch.conf
