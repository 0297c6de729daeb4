#!/bin/bash
# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Functions given to `bind': what they are told, and what becomes of what they
# return.  SG_UPDATE=1 writes the expected output anew.

set -u
src=${SG_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
dump=${SG_BUILDDIR:-$src}/tests/script/dump-document
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
export OVS_SG_LUADIR=$src/lua

echo 1..1
cd "$src/tests/script/bind" || exit 99
"$dump" --mib=16 --bind=facts.json functions.lua 2>&1 |
    grep -v ': warning: ' >"$tmp/out"
[ -z "${SG_UPDATE:-}" ] || cp "$tmp/out" functions.expected
if diff -u functions.expected "$tmp/out" >"$tmp/diff"; then
    echo "ok 1 - answers of functions"
else
    echo "not ok 1 - answers of functions"
    sed 's/^/# /' "$tmp/diff"
fi
