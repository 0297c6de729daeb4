#!/bin/bash
# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The series in ovs-patches/ applies to Debian's Open vSwitch, in order and
# without an offset, and Open vSwitch's own checkpatch.py finds nothing in it.

set -u
top=${SG_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
tarball=/usr/src/openvswitch/openvswitch.tar.gz
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT

patches=("$top"/ovs-patches/*.patch)
if [ ! -r "$tarball" ]; then
    echo "1..0 # SKIP the Debian package openvswitch-source is not installed"
    exit 0
fi
echo "1..$((2 + 3 * ${#patches[@]}))"

number=0
# Prints the result of the test "$1"; "$2" is 0 if it is good.
report() {
    number=$((number + 1))
    if [ "$2" -eq 0 ]; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1"
        sed 's/^/# /' "$work/out"
    fi
}

# checkpatch.py has only one complaint that is to be ignored: it asks whether
# ovsrcu_barrier() is needed.  It is, and the patch says why.
checkpatch() {
    python3 "$work/ovs/utilities/checkpatch.py" "$1" >"$work/out" 2>&1
    ! grep -E '^(WARNING|ERROR)' "$work/out" |
        grep -v 'sure you need to use ovsrcu_barrier()' >"$work/complaints" &&
    grep -q '^Lines checked:' "$work/out"
}

# An offset or a fuzz means that the patch was made for other source.
applies() {
    (cd "$work/ovs" && patch -p1 -N -F0 --no-backup-if-mismatch <"$1") \
        >"$work/out" 2>&1 &&
    ! grep -E 'offset|fuzz' "$work/out" >/dev/null
}

has_sign_off() {
    local author
    author=$(sed -n '1,/^$/s/^From: //p' "$1")
    echo "no Signed-off-by: $author" >"$work/out"
    grep -qxF "Signed-off-by: $author" "$1"
}

# The numbers in the names are the order: 0001, 0002, ...
numbered() {
    local i=0 file

    for file in "${patches[@]}"; do
        i=$((i + 1))
        case ${file##*/} in
            "$(printf '%04d' $i)"-*) ;;
            *) echo "${file##*/} is not number $i" >"$work/out"; return 1 ;;
        esac
    done
}

mkdir "$work/ovs" &&
tar -xzf "$tarball" -C "$work/ovs" --strip-components=1 --no-same-owner \
    >"$work/out" 2>&1
report "the source can be unpacked" $?
numbered
report "the patches are numbered in order" $?
for file in "${patches[@]}"; do
    name=${file##*/}
    has_sign_off "$file"
    report "$name is signed off by its author" $?
    checkpatch "$file"
    report "$name passes checkpatch.py" $?
    applies "$file"
    report "$name applies" $?
done
