# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Shell functions that the set-up scripts share.  Sourced by bash.
#
# Everything that is built lives in the cache, never in the checkout:
#
#   ${XDG_CACHE_HOME:-~/.cache}/ovs-sg/
#     ovs-VERSION-HASH/       a built Open vSwitch source tree, shared
#     ovs-VERSION-patched-HASH/   the same with ovs-patches/ applied
#     work-HASH/              one per checkout:
#       src/                    a copy of the checkout, with configure
#       gcc/ clang/ asan/       build directories
#       log/                    what the steps printed

# The switch loads no plugin that everybody may write.
umask go-w

# Prints where the cache is.
sg_cache_dir() {
    local cache

    if [ -z "${XDG_CACHE_HOME:-}${HOME:-}" ]; then
        sg_die "neither XDG_CACHE_HOME nor HOME is set, so there is no" \
               "place for the build cache: set one of them"
    fi
    cache=${XDG_CACHE_HOME:-$HOME/.cache}
    case $cache in
        *[[:space:]\"\#\$\&\'\`\\]*)
            sg_die "configure and make cannot build in '$cache': set" \
                   "XDG_CACHE_HOME to a directory without blanks and quotes" ;;
        /*) printf '%s/ovs-sg\n' "$cache" ;;
        *) sg_die "the build cache needs an absolute path, not '$cache': set" \
                  "XDG_CACHE_HOME to one" ;;
    esac
}

# Progress goes to standard error: standard output is for results.
sg_say() {
    printf '%s\n' "$*" >&2
}

sg_die() {
    sg_say "${0##*/}: $*"
    exit 1
}

# Runs a command as root.
sg_as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        sg_die "needs root to run '$1': run this as root, or install sudo"
    fi
}

# Asks for sudo's password, if it has to, where the user sees the question:
# not behind a log file.
sg_ask_password() {
    [ "$(id -u)" -eq 0 ] || ! command -v sudo >/dev/null || sudo -v
}

# Takes the lock "$1" until this script ends, and waits for it if need be.
sg_lock() {
    exec {sg_lock_fd}>"$1" || exit 1
    flock -n $sg_lock_fd || {
        sg_say "waiting for another run that holds $1"
        flock $sg_lock_fd
    }
}

# sg_once STAMP INPUT COMMAND...
#
# Runs COMMAND unless it was successful with the same INPUT before; the file
# STAMP remembers.
sg_once() {
    local stamp=$1 input=$2
    shift 2

    [ "$(cat "$stamp" 2>/dev/null)" != "$input" ] || return 0
    rm -f "$stamp"
    "$@" && printf '%s\n' "$input" >"$stamp"
}

# What runs now, so that it can be ended with us: the process group of a step,
# that of its sign of life, and a script of ours that ends its own steps.
sg_step_pid=
sg_heart_pid=
sg_script_pid=
# "yes": the step must not be interrupted (half-installed packages).
sg_step_keep=no

# Ends what runs.  A step gets the time to clean up before it is killed.
sg_end_step() {
    local i

    if [ -n "$sg_script_pid" ]; then
        kill "$sg_script_pid" 2>/dev/null
        wait "$sg_script_pid"
    fi
    sg_end_heartbeat
    [ -n "$sg_step_pid" ] || return 0
    if [ $sg_step_keep = yes ]; then
        sg_say "   finishing this step first"
        wait "$sg_step_pid"
        return
    fi
    sg_signal_step TERM
    for i in 1 2 3 4 5 6 7 8 9 10; do
        kill -0 -- "-$sg_step_pid" 2>/dev/null || break
        sleep 0.3
    done
    sg_signal_step KILL
    wait "$sg_step_pid" 2>/dev/null
    sg_step_pid=
}

# Tests run under sudo, so their processes may not be ours to signal.
sg_signal_step() {
    kill "-$1" -- "-$sg_step_pid" 2>/dev/null
    if [ "$(id -u)" -ne 0 ] && kill -0 -- "-$sg_step_pid" 2>/dev/null; then
        sudo -n kill "-$1" -- "-$sg_step_pid" 2>/dev/null
    fi
}

# sg_run LOG TEXT COMMAND...
#
# Runs COMMAND with its output in the file LOG, and prints TEXT, a sign of life
# every ten seconds and the time it took.
sg_run() {
    local log=$1 start=$SECONDS status=0
    sg_say "== $2"
    shift 2

    mkdir -p "${log%/*}"
    # Process groups of their own (set -m), so that all of each can be
    # signalled.
    set -m
    "$@" >"$log" 2>&1 </dev/null &
    sg_step_pid=$!
    sg_heartbeat "$sg_step_pid" "$log" &
    sg_heart_pid=$!
    set +m
    wait "$sg_step_pid" || status=$?
    sg_step_pid=
    sg_end_heartbeat
    if [ $status -eq 0 ]; then
        sg_say "   done ($((SECONDS - start)) s)"
    else
        sg_say "   failed after $((SECONDS - start)) s"
    fi
    return $status
}

# The same, and prints the end of LOG if COMMAND fails.
sg_step() {
    local status=0

    sg_run "$@" || status=$?
    if [ $status -ne 0 ]; then
        sg_say "   the end of $1:"
        tail -n 40 "$1" | sed 's/^/   | /' >&2
    fi
    return $status
}

sg_end_heartbeat() {
    [ -n "$sg_heart_pid" ] || return 0
    kill -- "-$sg_heart_pid" 2>/dev/null
    wait "$sg_heart_pid" 2>/dev/null
    sg_heart_pid=
}

# Prints the last line of LOG now and then, as long as PID runs.
sg_heartbeat() {
    local pid=$1 log=$2 start=$SECONDS

    while sleep 10 && kill -0 "$pid" 2>/dev/null; do
        printf '   %3d s  %s\n' $((SECONDS - start)) \
               "$(tail -n 1 "$log" 2>/dev/null | cut -c 1-65)" >&2
    done
}

# Lists what belongs to the checkout "$1", each name ended by a zero byte and in
# the same order in every locale: with git what it tracks and what is new and not ignored, without git (a tarball, or the
# copy in the cache) everything.
sg_list_files() (
    cd "$1" || exit 1
    if [ -e .git ] && command -v git >/dev/null; then
        # The checkout may belong to another user (sudo).
        git -c safe.directory="$1" ls-files -z --cached --others \
            --exclude-standard
    else
        find . -name .git -prune -o \( -type f -o -type l \) -printf '%P\0'
    fi | LC_ALL=C sort -zu | while IFS= read -r -d '' file; do
        [ ! -e "$file" ] && [ ! -L "$file" ] || printf '%s\0' "$file"
    done
)

# Prints the work directory of the checkout "$1".
sg_work_dir() {
    local cache key

    cache=$(sg_cache_dir) || return 1
    key=$(printf '%s' "$1" | sha256sum | cut -c 1-12)
    printf '%s/work-%s\n' "$cache" "$key"
}

# Lists of packages that are needed beside build-aux/packages.
sg_package_lists=()

# Sets up and builds variant "$2" of the checkout "$1", and leaves the name of
# the build directory in $sg_build.  The script reports its own steps, and ends
# them itself when it is ended.
sg_setup() {
    local status=0 out

    out=$(sg_work_dir "$1")/build-dir || return 1
    mkdir -p "${out%/*}" || return 1
    "$1/build-aux/setup" "$2" "${sg_package_lists[@]}" >"$out" &
    sg_script_pid=$!
    wait $sg_script_pid || status=$?
    sg_script_pid=
    sg_build=$(cat "$out")
    return $status
}

# sg_exec_built TOP COMMAND...
#
# Sets up and builds the checkout TOP, and becomes COMMAND, as root and with
# the settings by which it finds what was built.
sg_exec_built() {
    local top=$1 name settings=()
    shift

    trap 'trap - INT TERM HUP; sg_end_step; sg_say "interrupted"; exit 130' \
         INT TERM HUP
    sg_setup "$top" gcc || exit 1
    trap - INT TERM HUP
    export SG_SRCDIR=$top SG_BUILDDIR=$sg_build OVS_SG_LUADIR=$top/lua
    export PYTHONDONTWRITEBYTECODE=1 PATH=$PATH:/usr/sbin:/sbin
    [ "$(id -u)" -ne 0 ] || exec "$@"
    # sudo clears the environment.
    for name in SG_SRCDIR SG_BUILDDIR OVS_SG_LUADIR PYTHONDONTWRITEBYTECODE \
                PATH; do
        settings+=("$name=${!name}")
    done
    exec sudo env "${settings[@]}" "$@"
}
