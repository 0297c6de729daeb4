#!/bin/bash
# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Loads every script in hostile/, each with small budgets.  It must end by
# itself within seconds, with an error, and say what the script expects of it
# in comments:
#
#     -- expect: REGEX        some line of the errors matches (grep -E)
#     -- args: ARGUMENTS      for the loader, instead of the usual ones

set -u
src=${SG_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
dump=${SG_BUILDDIR:-$src}/tests/script/dump-document
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
export OVS_SG_LUADIR=$src/lua

# Seconds.  The budget of processor time is 3; sanitizers and a busy machine
# take their part.
patience=30

cd "$src/tests/script/hostile" || exit 99
check() {                       # $1: script; prints what is wrong
    local args status

    args=$(sed -n 's/^-- args: //p' "$1")
    # shellcheck disable=SC2086 # Several arguments.
    timeout $patience "$dump" --quiet --ms=3000 \
            ${args:---instructions=2000000 --mib=16} "$1" >"$tmp/out" 2>&1
    status=$?
    if [ $status -eq 124 ]; then
        echo "did not end within $patience seconds"
    elif [ $status -ne 1 ]; then
        echo "exit status is $status"
    fi
    sed -n 's/^-- expect: //p' "$1" >"$tmp/expected"
    while IFS= read -r regex; do
        grep -Eq -- "$regex" "$tmp/out" || echo "no error matches $regex"
    done <"$tmp/expected"
    [ -s "$tmp/expected" ] || echo "it expects nothing"
    [ ! -e /tmp/ovs-sg-hostile ] || echo "it has made a file"
}

n=0
for script in *.lua; do
    n=$((n + 1))
    wrong=$(check "$script")
    if [ -z "$wrong" ]; then
        echo "ok $n - $script"
    else
        echo "not ok $n - $script"
        { echo "$wrong"; head -n 5 "$tmp/out"; } | cut -c1-200 | sed 's/^/# /'
    fi
done
echo "1..$n"
