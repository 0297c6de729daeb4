#!/bin/bash
# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The targets that GNUmakefile has for a tree that is not configured are those
# that the Makefile has for one that is, and what CONTRIBUTING.md names exists.

set -u
src=${SG_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${SG_BUILDDIR:-$src}
unset MAKEFLAGS MAKELEVEL
clone=$(mktemp -d) || exit 99
trap 'rm -rf "$clone"' EXIT

targets() {                     # What GNUmakefile says that it has.
    make -s -C "$clone" -f "$src/GNUmakefile" | sed -n 's/^  *//p'
}

# knows DIR TARGET [ARG...]: does make know what to do for it?
knows() {
    make -n -C "$1" "${@:2}" >/dev/null 2>"$clone/errors" ||
        ! grep -q 'No rule to make target' "$clone/errors"
}

read -ra names < <(targets)
read -ra shown < <(sed -n 's/^    make \([a-z][a-z -]*[a-z]\) .*/\1/p' \
    "$src/CONTRIBUTING.md" | grep -v '^check$' | tr '\n' ' ')
echo "1..$((2 * ${#names[@]} + ${#shown[@]} + 1))"
n=0
result() {                      # STATUS NAME
    n=$((n + 1))
    if [ "$1" = 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        sed 's/^/# /' "$clone/errors"
    fi
}

[ "${#names[@]}" -gt 5 ]; result $? 'a clone that is not configured has targets'
for name in "${names[@]}"; do
    knows "$build" "$name"; result $? "'$name', configured"
    knows "$clone" -f "$src/GNUmakefile" "$name"
    result $? "'$name', not configured"
done
for name in "${shown[@]}"; do
    [[ " ${names[*]} " = *" $name "* ]]
    result $? "'$name' of CONTRIBUTING.md needs no configured tree"
done
