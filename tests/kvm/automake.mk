# Licensed under the Apache License, Version 2.0; see LICENSE.

# What it is made of, without a machine; quick.
KVM_TESTS = tests/kvm/machines.t

TESTS += $(KVM_TESTS)
EXTRA_DIST += $(KVM_TESTS) \
	tests/kvm/README.md \
	tests/kvm/chosen \
	tests/kvm/count \
	tests/kvm/image \
	tests/kvm/init \
	tests/kvm/packages \
	tests/kvm/run

# Runs end-to-end tests on the kernel's datapath, in a virtual machine; builds
# by itself, in the cache.  With ALL=yes it is all of them and not only those
# that tests/kvm/chosen lists.
check-kvm:
	'$(srcdir)/tests/kvm/run' $(if $(filter yes,$(ALL)),all)
.PHONY: check-kvm
