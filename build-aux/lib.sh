# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Shell functions that the set-up scripts share.  Sourced by bash.
#
# Everything that is built lives in the cache, never in the checkout:
#
#   ${XDG_CACHE_HOME:-~/.cache}/ovs-sg/
#     ovs-VERSION-HASH/       a built Open vSwitch source tree, shared
#     work-HASH/              one per checkout:
#       src/                    a copy of the checkout, with configure
#       gcc/ clang/ asan/       build directories
#       log/                    what the steps printed

# Prints where the cache is.
sg_cache_dir() {
    if [ -z "${XDG_CACHE_HOME:-}${HOME:-}" ]; then
        sg_die "neither XDG_CACHE_HOME nor HOME is set, so there is no" \
               "place for the build cache: set one of them"
    fi
    printf '%s/ovs-sg\n' "${XDG_CACHE_HOME:-$HOME/.cache}"
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

# Process groups of the step that runs and of its heartbeat, so that they can
# be ended with us.
sg_step_pid=
sg_heart_pid=

# Ends the running step and all that it started.  The step gets the time to
# clean up before it is killed.
sg_end_step() {
    local i

    [ -n "$sg_step_pid" ] || return 0
    sg_end_heartbeat
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

# sg_step LOG TEXT COMMAND...
#
# Runs COMMAND with its output in the file LOG, and prints TEXT, a sign of life
# every ten seconds and the time it took.  If COMMAND fails, prints the end of
# LOG and fails too.
sg_step() {
    local log=$1 text=$2 start=$SECONDS status=0 monitor
    shift 2

    mkdir -p "${log%/*}"
    sg_say "== $text"
    # A process group of its own (set -m), so that all of it can be signalled.
    case $- in *m*) monitor=-m ;; *) monitor=+m ;; esac
    set -m
    "$@" >"$log" 2>&1 </dev/null &
    sg_step_pid=$!
    sg_heartbeat "$sg_step_pid" "$log" &
    sg_heart_pid=$!
    set $monitor
    wait "$sg_step_pid" || status=$?
    sg_end_heartbeat
    sg_step_pid=
    if [ $status -ne 0 ]; then
        sg_say "   failed after $((SECONDS - start)) s; the end of $log:"
        tail -n "${sg_step_tail:-40}" "$log" | sed 's/^/   | /' >&2
        return $status
    fi
    sg_say "   done ($((SECONDS - start)) s)"
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

# Prints the work directory of the checkout "$1".
sg_work_dir() {
    local cache key

    cache=$(sg_cache_dir) || return 1
    key=$(printf '%s' "$1" | sha256sum | cut -c 1-12)
    printf '%s/work-%s\n' "$cache" "$key"
}
