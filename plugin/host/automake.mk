# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The plugin for a patched ovs-vswitchd.  All of the core is compiled once
# more, for the headers of that tree: a structure may differ there, as that of
# a table whose schema a patch has changed does.  Not with libtool, which makes
# no shared object as long as libraries are static.

SG_PLUGIN_SOURCES = \
	plugin/host/config.c \
	plugin/host/config.h \
	plugin/host/gate.c \
	plugin/host/gate.h \
	plugin/host/plugin.c

EXTRA_DIST += $(SG_PLUGIN_SOURCES)

if HAVE_OVS_PLUGIN
ovsplugindir = $(pkglibdir)
ovsplugin_PROGRAMS = ovs-sg.so
ovs_sg_so_SOURCES = \
	$(SG_PLUGIN_SOURCES) \
	$(libovssg_la_SOURCES) \
	$(libsgscript_la_SOURCES) \
	$(libsgresolve_la_SOURCES) \
	$(libsgswitch_la_SOURCES) \
	$(libsgports_la_SOURCES) \
	$(libsgagent_la_SOURCES)
ovs_sg_so_CPPFLAGS = \
	-I$(top_srcdir)/plugin $(OVS_PLUGIN_CPPFLAGS) $(SG_CPPFLAGS) \
	$(LIBEVENT_CFLAGS)
# Nothing of ours shall take the place of a function of the switch, or the
# other way round.
ovs_sg_so_CFLAGS = $(AM_CFLAGS) -fPIC -fvisibility=hidden
# Without libopenvswitch: its functions are those of ovs-vswitchd.
ovs_sg_so_LINK = \
	$(CC) $(ovs_sg_so_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) \
	$(LDFLAGS) -shared -Wl,--as-needed -Wl,-z,now -o $@
ovs_sg_so_LDADD = $(LIBEVENT_LIBS) $(UUID_LIBS) -lssl -lcrypto
endif
