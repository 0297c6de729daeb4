#!/bin/bash
# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Includes between the folders of plugin/ go one way only.
#
# The lists say what a folder may include beside its own headers.  A folder
# that is not in them is an error, so that a new one is thought about here.

set -u
cd "${SG_SRCDIR:-$(dirname "$0")/../..}" || exit 99

declare -A may=(
    [policy]=""
    [learn]="policy"
    [compile]="policy"
    [switch]="policy compile"
    [ports]="policy"
    [script]="policy"
    [resolve]="policy"
    [agent]="policy learn compile switch ports script resolve"
    [ctl]="policy compile script"
    [host]="policy ports agent"
)

# Prints "FILE:LINE: FOLDER" for every include of a project header in $1/.
# Headers of our own are those named "FOLDER/FILE" that plugin/ has.
included() {
    local place name

    grep -nEr --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]+"' \
         "plugin/$1" |
    sed -E 's/^([^:]*:[0-9]*):[^"]*"([^"]*)".*/\1 \2/' |
    while read -r place name; do
        case $name in
            */*) [ ! -e "plugin/$name" ] || printf '%s: %s\n' "$place" "${name%%/*}" ;;
        esac
    done
}

n=0
result() {                      # $1: ok or not ok, $2: what
    n=$((n + 1))
    printf '%s %d - %s\n' "$1" "$n" "$2"
}

for dir in plugin/*/; do
    folder=$(basename "$dir")
    [ -n "$(find "$dir" -name '*.[ch]' -print -quit)" ] || continue
    if [ -z "${may[$folder]+set}" ]; then
        result "not ok" "plugin/$folder is in the list of $(basename "$0")"
        continue
    fi
    bad=$(included "$folder" | while read -r place other; do
              case " $folder ${may[$folder]} " in
                  *" $other "*) ;;
                  *) printf '# %s plugin/%s must not include %s/\n' \
                            "$place" "$folder" "$other" ;;
              esac
          done)
    if [ -z "$bad" ]; then
        result ok "plugin/$folder includes only what is below it"
    else
        result "not ok" "plugin/$folder includes only what is below it"
        printf '%s\n' "$bad"
    fi
done

# Lua's headers belong to the Lua host, libevent's to the resolvers, OpenFlow's
# never to the model.
bad=$(grep -nEr --include='*.[ch]' \
           'include[[:space:]]*[<"](lua\.h|lauxlib\.h|lualib\.h)' plugin |
      grep -v '^plugin/script/' | sed 's/^/# /')
if [ -z "$bad" ]; then
    result ok "only plugin/script includes Lua's headers"
else
    result "not ok" "only plugin/script includes Lua's headers"
    printf '%s\n' "$bad"
fi
bad=$(grep -nEr --include='*.[ch]' 'include[[:space:]]*[<"]event2/' plugin |
      grep -v '^plugin/resolve/' | sed 's/^/# /')
if [ -z "$bad" ]; then
    result ok "only plugin/resolve includes libevent's headers"
else
    result "not ok" "only plugin/resolve includes libevent's headers"
    printf '%s\n' "$bad"
fi
bad=$(grep -nEr --include='*.[ch]' \
           'include[[:space:]]*"(openvswitch/(ofp-|ofpbuf|vconn|rconn)|openflow/|vswitch-idl|ovsdb-idl|rconn|jsonrpc|unixctl)' \
           plugin/policy | sed 's/^/# /')
if [ -z "$bad" ]; then
    result ok "plugin/policy includes neither OpenFlow nor I/O"
else
    result "not ok" "plugin/policy includes neither OpenFlow nor I/O"
    printf '%s\n' "$bad"
fi
echo "1..$n"
