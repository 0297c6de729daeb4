#!/bin/bash
# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Loads every script in hostile/, each with small budgets.  It must end by
# itself within seconds, with an error, and say what the script expects of it
# in comments:
#
#     -- expect: REGEX        some line of the errors matches (grep -E)
#     -- args: ARGUMENTS      for the loader, instead of the usual ones
#     -- unguarded: REGEX     the same of the errors where nothing inside the
#                             interpreter's process guards C functions, so
#                             that only the agent can end it
#
# No process may be left, and no file made.

set -u
src=${SG_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
dump=${SG_BUILDDIR:-$src}/tests/script/dump-document
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
export OVS_SG_LUADIR=$src/lua

# Seconds.  The budget of processor time is 3; sanitizers and a busy machine
# take their part.
patience=30

# A process that was killed needs a moment to go.
wait_for_no_process() {
    local i

    for ((i = 0; i < 100; i++)); do
        ps -e -o stat=,comm= | grep -v '^Z' |
            grep -Eq 'ovs-sg-script|unguarded-scrip' || return
        sleep 0.1
    done
    echo "a process is left"
}

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
    wait_for_no_process
}

check_unguarded() {             # $1: script, $2: regex
    OVS_SG_SCRIPT=${dump%/*}/unguarded-script \
        timeout $patience "$dump" --quiet --ms=300 "$1" >"$tmp/out" 2>&1
    [ $? -eq 1 ] || echo "exit status is $?"
    grep -Eq -- "$2" "$tmp/out" || echo "no error matches $2"
    wait_for_no_process
}

n=0
result() {                      # $1: test, $2: what is wrong with it
    n=$((n + 1))
    if [ -z "$2" ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        { echo "$2"; head -n 5 "$tmp/out"; } | cut -c1-200 | sed 's/^/# /'
    fi
}

for script in *.lua; do
    result "$script" "$(check "$script")"
    regex=$(sed -n 's/^-- unguarded: //p' "$script")
    [ -z "$regex" ] ||
        result "$script, unguarded" "$(check_unguarded "$script" "$regex")"
done
echo "1..$n"
