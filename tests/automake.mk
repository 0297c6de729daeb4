# Licensed under the Apache License, Version 2.0; see LICENSE.

include tests/layout/automake.mk
include tests/policy/automake.mk
include tests/learn/automake.mk
include tests/compile/automake.mk
include tests/resolve/automake.mk
include tests/fuzz/automake.mk
include tests/script/automake.mk
include tests/ports/automake.mk
include tests/switch/automake.mk
include tests/agent/automake.mk
include tests/ctl/automake.mk
include tests/doc/automake.mk
include tests/e2e/automake.mk
include tests/host/automake.mk
include tests/examples/automake.mk
include tests/faults/automake.mk
include tests/kvm/automake.mk
include tests/libvirt/automake.mk
include tests/oracle/automake.mk
include tests/bench/automake.mk
include tests/package/automake.mk
include tests/patches/automake.mk
