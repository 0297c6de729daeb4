# Licensed under the Apache License, Version 2.0; see LICENSE.

# Installed as they are: the host loads them when it starts.
nobase_dist_sgdata_DATA += \
	lua/luacheckrc \
	lua/sg.d.lua \
	lua/sg/lang/addresses.lua \
	lua/sg/lang/bind.lua \
	lua/sg/lang/env.lua \
	lua/sg/lang/groups.lua \
	lua/sg/lang/handle.lua \
	lua/sg/lang/init.lua \
	lua/sg/lang/network.lua \
	lua/sg/lang/readonly.lua \
	lua/sg/lang/report.lua \
	lua/sg/lang/require.lua \
	lua/sg/lang/rules.lua \
	lua/sg/lang/strict.lua \
	lua/sg/lang/test.lua \
	lua/sg/lang/value.lua \
	lua/sg/patterns.lua \
	lua/sg/services.lua


# So that programs run from the build folder as they are.
all-local: link-lua
link-lua:
	@test -e lua/sg/lang/init.lua || $(LN_S) $(abs_top_srcdir)/lua lua
distclean-local:
	@test ! -L lua || rm -f lua
.PHONY: link-lua
