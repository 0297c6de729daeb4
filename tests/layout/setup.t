#!/bin/bash
# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# build-aux/setup in odd surroundings: another locale than last time, a mask of
# file modes that lets everybody write, and caches where nothing can be built.

set -u -o pipefail
src=${SG_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
. "$src/build-aux/lib.sh"

n=0
result() {                      # STATUS NAME
    n=$((n + 1))
    if [ "$1" = 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
    fi
}

# refuses CACHE PATTERN: is it no place for a cache, with words that fit?
refuses() {
    ! (XDG_CACHE_HOME=$1 sg_cache_dir) >"$scratch/out" 2>&1 &&
        grep -q "$2" "$scratch/out"
}

# Is the list that a run makes in one locale sorted for those of another?
lists_agree() {
    mkdir "$scratch/tree" &&
        touch "$scratch/tree/"{B,a,b-1,b1,B.md} &&
        LC_ALL=C sg_list_files "$scratch/tree" >"$scratch/one" &&
        LOCPATH=$scratch LC_ALL=en_US.UTF-8 sg_list_files "$scratch/tree" \
            >"$scratch/two" &&
        cmp "$scratch/one" "$scratch/two"
} 2>/dev/null

echo 1..4
(umask 000 && . "$src/build-aux/lib.sh" && [ "$(umask)" = 0022 ])
result $? 'what is built is not for everybody to write'
refuses "$scratch/a b" 'without blanks'; result $? 'a cache with a blank'
refuses cache 'an absolute path'; result $? 'a cache at a relative path'
if localedef -i en_US -f UTF-8 "$scratch/en_US.UTF-8" >/dev/null 2>&1; then
    lists_agree; result $? 'files are listed in the same order everywhere'
else
    echo "ok 4 # skip no other locale can be made here (package locales)"
fi
