#!/bin/bash
# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# A file is one room with one purpose: none is longer than 900 lines.

set -u
cd "${SG_SRCDIR:-$(dirname "$0")/../..}" || exit 99
max=900

echo 1..1
long=$(find plugin lua tests examples build-aux \
            -path build-aux/gnu -prune -o -type f \
            \( -name '*.[ch]' -o -name '*.lua' -o -name '*.py' -o -name '*.t' \
               -o -name '*.sh' \) -exec wc -l {} + |
       awk -v max=$max '$2 != "total" && $1 > max { print "# " $2 ": " $1 " lines" }')
if [ -z "$long" ]; then
    echo "ok 1 - no source file has more than $max lines"
else
    echo "not ok 1 - no source file has more than $max lines"
    printf '%s\n' "$long"
fi
