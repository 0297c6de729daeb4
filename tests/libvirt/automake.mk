# Licensed under the Apache License, Version 2.0; see LICENSE.

EXTRA_DIST += \
	tests/libvirt/check-libvirt \
	tests/libvirt/guest-init \
	tests/libvirt/hypervisor.py \
	tests/libvirt/packages \
	tests/libvirt/real.t

# A real libvirtd with real guests, which migrate (root and a mirror are
# needed; about two minutes without KVM).
check-libvirt:
	'$(srcdir)/tests/libvirt/check-libvirt'
.PHONY: check-libvirt
