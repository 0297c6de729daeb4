# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Patches for Open vSwitch; build-aux/build-ovs --patched applies them.

EXTRA_DIST += ovs-patches/README.md
EXTRA_DIST += ovs-patches/0001-unixctl-Allow-commands-to-be-unregistered.patch
EXTRA_DIST += ovs-patches/0002-vlog-Forget-the-modules-of-an-object-that-is-unloade.patch
EXTRA_DIST += ovs-patches/0003-coverage-Forget-the-counters-of-an-object-that-is-un.patch
EXTRA_DIST += ovs-patches/0004-ofproto-Do-not-look-up-an-ofproto-that-was-destroyed.patch
EXTRA_DIST += ovs-patches/0005-vswitchd-Load-plugins-at-run-time.patch
EXTRA_DIST += ovs-patches/0006-ofproto-Tell-observers-about-ports-before-these-forw.patch
EXTRA_DIST += ovs-patches/0007-ofproto-Take-back-flows-that-modify-added-when-a-bun.patch
EXTRA_DIST += ovs-patches/0008-ofproto-Let-code-in-the-same-process-change-flows-in.patch
EXTRA_DIST += ovs-patches/0009-dpif-netdev-Modify-the-flow-that-is-meant-not-one-th.patch
