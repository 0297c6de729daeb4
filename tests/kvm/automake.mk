# Licensed under the Apache License, Version 2.0; see LICENSE.

EXTRA_DIST += \
	tests/kvm/README.md \
	tests/kvm/chosen \
	tests/kvm/image \
	tests/kvm/init \
	tests/kvm/packages \
	tests/kvm/run

# Runs end-to-end tests on the kernel's datapath, in a virtual machine; builds
# by itself, in the cache.
check-kvm:
	'$(srcdir)/tests/kvm/run'
.PHONY: check-kvm
