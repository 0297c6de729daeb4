#!/bin/bash
# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The examples in doc/lua-api.md load, all of them together as one policy.

set -u
src=${SG_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
dump=${SG_BUILDDIR:-$src}/tests/script/dump-document
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
export OVS_SG_LUADIR=$src/lua
doc=$src/doc/lua-api.md

# Each file begins with empty lines, so that places are lines of the page.
awk -v dir="$tmp" '
    /^```lua$/ { file = sprintf("%s/%04d.lua", dir, NR); n++
                 for (i = 0; i < NR; i++) print "" > file
                 next }
    /^```$/    { if (file) close(file); file = "" }
    file       { print > file }
    END        { print n + 0 > (dir "/count") }' "$doc"

echo 1..2
count=$(cat "$tmp/count")
if [ "$count" -gt 8 ]; then
    echo "ok 1 - lua-api.md has $count examples"
else
    echo "not ok 1 - lua-api.md has only $count examples"
fi
if "$dump" --quiet "$tmp" >"$tmp/out" 2>&1; then
    echo "ok 2 - they load"
else
    echo "not ok 2 - they load"
    sed "s,^$tmp/[0-9]*.lua,# lua-api.md," "$tmp/out"
fi
