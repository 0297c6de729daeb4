# Licensed under the Apache License, Version 2.0; see LICENSE.

EXTRA_DIST += \
	examples/README.md \
	examples/allow-list \
	examples/bastion \
	examples/inventory \
	examples/labels \
	examples/libvirt \
	examples/kvm/README.md \
	examples/kvm/dhcp \
	examples/kvm/init \
	examples/kvm/serve \
	examples/kvm/start \
	examples/kvm/three_tier.py \
	examples/kvm/vm.py \
	examples/mininet/README.md \
	examples/mininet/guarded.py \
	examples/mininet/play.py \
	examples/mininet/start \
	examples/mininet/three_tier.py \
	examples/tenants \
	examples/web-farm \
	examples/three-tier/README.md \
	examples/three-tier/test.lua \
	examples/three-tier/demo \
	examples/three-tier/three-tier.lua
