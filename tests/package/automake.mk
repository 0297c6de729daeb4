# Licensed under the Apache License, Version 2.0; see LICENSE.

EXTRA_DIST += \
	tests/package/boot \
	tests/package/check-package \
	tests/package/inside

# Builds the Debian package, and installs, upgrades, removes and purges it in a
# Debian of its own (root, a mirror and cgroup2 are needed).
check-package:
	'$(srcdir)/tests/package/check-package'
.PHONY: check-package
