#!/bin/bash
# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The examples in doc/lua-api.md load, all of them together as one policy.  Those
# in doc/policy-tests.md pass as tests of it.

set -u
src=${SG_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${SG_BUILDDIR:-$src}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
export OVS_SG_LUADIR=$src/lua

# Writes the blocks of page $1 that begin with "```$2" to files in folder $3,
# and prints how many there are.  Each file begins with empty lines, so that
# places are lines of the page.
extract() {
    mkdir -p "$3"
    awk -v dir="$3" -v fence="\`\`\`$2" '
        $0 == fence { file = sprintf("%s/%04d.lua", dir, NR); n++
                      for (i = 0; i < NR; i++) print "" > file
                      next }
        /^```$/     { if (file) close(file); file = "" }
        file        { print > file }
        END         { print n + 0 }' "$src/doc/$1"
}

n=0
result() {                      # $1: ok or not, $2: what; input: comments
    n=$((n + 1))
    [ "$1" = 0 ] && echo "ok $n - $2" || echo "not ok $n - $2"
    sed "s,^,# ,; s,$tmp/policy.d/[0-9]*.lua,lua-api.md,g
         s,$tmp/[0-9]*.lua,policy-tests.md,g"
}

count=$(extract lua-api.md lua "$tmp/policy.d")
[ "$count" -gt 8 ]
result $? "lua-api.md has examples" <<<"$count"
"$build/tests/script/dump-document" --quiet "$tmp/policy.d" >"$tmp/out" 2>&1
result $? "they load" <"$tmp/out"

count=$(extract policy-tests.md "lua test" "$tmp")
[ "$count" -gt 2 ]
result $? "policy-tests.md has examples" <<<"$count"
for test in "$tmp"/*.lua; do
    "$build/ovs-sgctl" test "$test" >"$tmp/out" 2>&1
    result $? "policy-tests.md:$((10#$(basename "$test" .lua))) passes" \
           < <(grep -v '^ok\|warning: ' "$tmp/out")
done
echo 1..$n
