# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# bash completion for ovs-sgctl(8): commands, options, and the names of groups,
# ports and bridges that the agent knows now.

# Prints the first column of a table that the agent prints.
_ovs_sgctl_names() {
    ovs-sgctl --timeout=2 "$1" 2>/dev/null | awk 'NR > 2 { print $1 }'
}

_ovs_sgctl() {
    local cur prev words cword command= i
    _init_completion -n = || return

    case $prev in
        -t | --target | --ports) _filedir; return ;;
        -f | --format) COMPREPLY=($(compgen -W "table json" -- "$cur"))
                       return ;;
    esac
    for ((i = 1; i < cword; i++)); do
        [[ ${words[i]} == -* ]] || { command=${words[i]}; break; }
    done

    case $command:$cur in
        *:--format=*) COMPREPLY=($(compgen -W "--format=table --format=json" \
                                       -- "$cur")) ;;
        *:-*) COMPREPLY=($(compgen -W "--target= --format=table
                  --format=json --timeout= --ports= --bridge= --stage= --force
                  --sample= --dry-run --help --version" -- "$cur"))
              [[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace ;;
        :*) COMPREPLY=($(compgen -W "$(ovs-sgctl --help |
                  awk '/^Commands:/ { on = 1; next } /^[^ ]/ { on = 0 }
                       on { print $1 }')" -- "$cur")) ;;
        check:* | compile:* | test:*) _filedir ;;
        enable:* | disable:* | observe:*)
            COMPREPLY=($(compgen -W "$(ovs-vsctl --timeout=2 list-br \
                  2>/dev/null)" -- "$cur")) ;;
        show:*) COMPREPLY=($(compgen -W "$(_ovs_sgctl_names list-groups)
                  $(_ovs_sgctl_names list-ports)
                  $(_ovs_sgctl_names list-addresses)" -- "$cur")) ;;
        refresh:*) COMPREPLY=($(compgen -W \
                  "$(_ovs_sgctl_names list-addresses)" -- "$cur")) ;;
        trace:*)
            case $((cword - i)) in
                1 | 2) COMPREPLY=($(compgen -W \
                    "$(_ovs_sgctl_names list-ports)" -- "$cur")) ;;
                3) COMPREPLY=($(compgen -W "tcp udp sctp icmp icmp6" \
                       -- "$cur")) ;;
            esac ;;
    esac
} &&
    complete -F _ovs_sgctl ovs-sgctl
