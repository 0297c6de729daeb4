#!/bin/bash
# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# A file is one room with one purpose: none is longer than 900 lines.  Lines of
# C have 79 columns, as in Open vSwitch.

set -u
cd "${SG_SRCDIR:-$(dirname "$0")/../..}" || exit 99
max=900
columns=79

# report NAME: what stdin has, line by line, is against it.
n=0
report() {
    local found
    n=$((n + 1))
    found=$(sed 's/^/# /')
    if [ -z "$found" ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        printf '%s\n' "$found"
    fi
}

echo 1..2
report "no source file has more than $max lines" < <(
    find plugin lua tests examples build-aux \
         -path build-aux/gnu -prune -o -type f \
         \( -name '*.[ch]' -o -name '*.lua' -o -name '*.py' -o -name '*.t' \
            -o -name '*.sh' \) -exec wc -l {} + |
    awk -v max=$max '$2 != "total" && $1 > max { print $2 ": " $1 " lines" }')
report "no line of C has more than $columns columns" < <(
    find plugin tests bench -type f -name '*.[ch]' \
         -exec env LC_ALL=C.UTF-8 grep -HnE "^.{$((columns + 1))}" {} + |
    cut -d : -f 1,2)
