#!/bin/bash
# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Every fuzz target for a few seconds: all seeds, and a little around them.

set -u
make=(make --no-print-directory -C "$SG_BUILDDIR")
# We are no part of the make that runs the tests.
unset MAKEFLAGS MFLAGS MAKELEVEL

skip_all() {
    echo "1..0 # SKIP $*"
    exit 0
}

work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT

echo 'int LLVMFuzzerTestOneInput(const char *p, long n) { return p && n < 0; }' \
    >"$work/probe.c"
clang-14 -fsanitize=fuzzer,address -o "$work/probe" "$work/probe.c" \
    2>/dev/null ||
    skip_all "clang-14 has no fuzzer: install clang-14 and libclang-rt-14-dev"
! grep -q '^SG_SANITIZERS = .*fsanitize' "$SG_BUILDDIR/Makefile" ||
    skip_all "the targets have sanitizers of their own;" \
             "they run in the build without"

echo 1..9
if "${make[@]}" -j"$(nproc)" fuzz-programs >"$work/log" 2>&1; then
    echo "ok 1 - the targets can be built"
else
    sed 's/^/# /' "$work/log"
    echo "not ok 1 - the targets can be built"
    exit 1
fi

n=1
for target in document facts script flows conntrack packet-in addresses channel; do
    n=$((n + 1))
    if FUZZ_FOUND=$work/$target OVS_SG_LUADIR=$SG_SRCDIR/lua \
            "$SG_SRCDIR/tests/fuzz/run-fuzz" \
            "$SG_BUILDDIR/tests/fuzz/build/$target" 3 >"$work/log" 2>&1; then
        echo "ok $n - $target"
    else
        sed 's/^/# /' "$work/log"
        echo "not ok $n - $target"
    fi
done
