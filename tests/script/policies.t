#!/bin/bash
# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Loads every policy in policies/, a file or a folder, and compares what came
# of it: the errors and warnings with NAME.expected, and, where there is a
# NAME.json, the document with that.
#
# SG_UPDATE=1 writes these files anew; look at the difference afterwards.

set -u
src=${SG_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
dump=${SG_BUILDDIR:-$src}/tests/script/dump-document
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
export OVS_SG_LUADIR=$src/lua

n=0
result() {                      # $1: ok or not ok, $2: what
    n=$((n + 1))
    printf '%s %d - %s\n' "$1" "$n" "$2"
}

# Compares file $1 with the expected file $2; $3 says what it is.
compare() {
    if [ -n "${SG_UPDATE:-}" ]; then
        cp "$1" "$2"
    fi
    if diff -u "$2" "$1" >"$tmp/diff"; then
        result ok "$3"
    else
        result "not ok" "$3"
        sed 's/^/# /' "$tmp/diff"
    fi
}

cd "$src/tests/script/policies" || exit 99
for expected in *.expected; do
    name=${expected%.expected}
    path=$name
    [ -d "$name" ] || path=$name.lua
    "$dump" "$path" >"$tmp/json" 2>"$tmp/errors"
    status=$?
    compare "$tmp/errors" "$name.expected" "errors of $name"
    want=0
    ! grep -Ev '^(log: |-- warnings --$|.*: warning: )' \
           "$name.expected" >/dev/null || want=1
    if [ $status -eq $want ]; then
        result ok "exit status of $name is $want"
    else
        result "not ok" "exit status of $name is $status, not $want"
    fi
    [ ! -e "$name.json" ] ||
        compare "$tmp/json" "$name.json" "document of $name"
done

cd "$src/examples" || exit 99
for example in *.lua */*.lua; do
    case $example in */test.lua) continue ;; esac   # Not a policy.
    if "$dump" --quiet "$example" >"$tmp/out" 2>&1 && [ ! -s "$tmp/out" ]; then
        result ok "example $example loads without a warning"
    else
        result "not ok" "example $example loads without a warning"
        sed 's/^/# /' "$tmp/out"
    fi
done
echo "1..$n"
