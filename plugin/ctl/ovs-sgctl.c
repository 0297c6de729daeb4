/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* The command line of ovs-sgctl. */

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command-line.h"
#include "ctl/sgctl.h"
#include "fatal-signal.h"
#include "openvswitch/vlog.h"
#include "policy/diag.h"
#include "util.h"

static const struct sgctl_command commands[] = {
    { "check", "PATH...", "load a policy offline and print errors",
      1, SIZE_MAX, SGCTL_PORTS, sgctl_check },
    { "compile", "PATH...", "show what the compiler makes of a policy",
      1, SIZE_MAX, SGCTL_PORTS | SGCTL_BRIDGE | SGCTL_STAGE, sgctl_compile },
    { "test", "FILE...", "run policy tests and print TAP",
      1, SIZE_MAX, 0, sgctl_test },
    { "reload", "", "make the agent load its policy again",
      0, 0, SGCTL_TIMEOUT, sgctl_reload },
    { "wait", "", "wait until all changes are in force",
      0, 0, SGCTL_TIMEOUT, sgctl_wait },
    { "trace", "FROM TO PROTO [PORT]", "may FROM open a connection to TO?",
      3, 4, SGCTL_TIMEOUT, sgctl_trace },
    { "observe", "[BRIDGE]", "what would be guarded and refused?",
      0, 1, SGCTL_TIMEOUT | SGCTL_SAMPLE, sgctl_observe },
    { "enable", "BRIDGE [--dry-run]", "guard the ports of a bridge",
      1, 1, SGCTL_TIMEOUT | SGCTL_SAMPLE | SGCTL_DRY_RUN, sgctl_enable },
    { "disable", "BRIDGE", "take everything of ours off a bridge",
      1, 1, SGCTL_TIMEOUT, sgctl_disable },
    { "list-groups", "", "list the groups in force",
      0, 0, SGCTL_TIMEOUT, sgctl_list_groups },
    { "list-ports", "", "list the guarded ports",
      0, 0, SGCTL_TIMEOUT, sgctl_list_ports },
    { "list-addresses", "", "list the sets of addresses",
      0, 0, SGCTL_TIMEOUT, sgctl_list_addresses },
    { "refresh", "NAME [--force]", "ask for a set of addresses now",
      1, 1, SGCTL_TIMEOUT | SGCTL_FORCE, sgctl_refresh },
    { "show", "NAME", "show a group, port, list, rule or cookie",
      1, 1, SGCTL_TIMEOUT, sgctl_show },
};

static const struct {
    enum sgctl_option option;
    const char *name;
} command_options[] = {
    { SGCTL_TIMEOUT, "--timeout" },
    { SGCTL_PORTS, "--ports" },
    { SGCTL_BRIDGE, "--bridge" },
    { SGCTL_STAGE, "--stage" },
    { SGCTL_FORCE, "--force" },
    { SGCTL_SAMPLE, "--sample" },
    { SGCTL_DRY_RUN, "--dry-run" },
};

/* Fits a screen of 24 lines. */
OVS_NO_RETURN static void
usage(void)
{
    printf("%s: security groups for Open vSwitch\n"
           "usage: %s [OPTIONS] COMMAND [ARG...]\nCommands:\n",
           program_name, program_name);
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        const struct sgctl_command *c = &commands[i];

        printf("  %-14s %-20s  %s\n", c->name, c->arguments, c->summary);
    }
    printf("Options:\n"
           "  -t, --target=TARGET       agent's control socket, name or "
           "process ID\n"
           "  -f, --format=table|json, -T, --timeout=SECONDS, -h, --help, "
           "-V, --version\n"
           "  --ports=FILE, --bridge=BRIDGE, --stage=STAGE     of check and "
           "compile\n"
           "  --sample=SECONDS, --dry-run, --force   of observe, enable, "
           "refresh\n"
           "  -v, --verbose, --log-file, --syslog-method, --syslog-target: "
           "logging\n");
    exit(SGCTL_OK);
}

OVS_NO_RETURN OVS_PRINTF_FORMAT(1, 2) static void
usage_error(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s: ", program_name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, " (use --help for help)\n");
    exit(SGCTL_USAGE);
}

static bool
parse_format(const char *format)
{
    if (strcmp(format, "json") && strcmp(format, "table")) {
        usage_error("--format=%s: the formats are table and json", format);
    }
    return !strcmp(format, "json");
}

static unsigned int
parse_seconds(const char *option, const char *value)
{
    unsigned int seconds;

    if (!str_to_uint(value, 10, &seconds) || !seconds) {
        usage_error("--%s=%s: not a number of seconds above 0", option,
                    value);
    }
    return seconds;
}

/* Fills 'ctl' from the options and returns bits of enum sgctl_option for
 * those that not every command takes. */
static unsigned int
parse_options(int argc, char *argv[], struct sgctl *ctl)
{
    enum {
        OPT_PORTS = UCHAR_MAX + 1,
        OPT_BRIDGE,
        OPT_STAGE,
        OPT_FORCE,
        OPT_SAMPLE,
        OPT_DRY_RUN,
        VLOG_OPTION_ENUMS,
    };
    static const struct option long_options[] = {
        {"target", required_argument, NULL, 't'},
        {"format", required_argument, NULL, 'f'},
        {"timeout", required_argument, NULL, 'T'},
        {"ports", required_argument, NULL, OPT_PORTS},
        {"bridge", required_argument, NULL, OPT_BRIDGE},
        {"stage", required_argument, NULL, OPT_STAGE},
        {"force", no_argument, NULL, OPT_FORCE},
        {"sample", required_argument, NULL, OPT_SAMPLE},
        {"dry-run", no_argument, NULL, OPT_DRY_RUN},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        VLOG_LONG_OPTIONS,
        {NULL, 0, NULL, 0},
    };
    /* Static, because --help exits from the loop below: to a sanitizer the
     * string would be a leak. */
    static char *short_options;
    unsigned int given = 0;
    int c;

    short_options = ovs_cmdl_long_options_to_short_options(long_options);
    while ((c = getopt_long(argc, argv, short_options, long_options,
                            NULL)) != -1) {
        switch (c) {
        case 't':
            ctl->target = optarg;
            break;

        case 'f':
            ctl->json = parse_format(optarg);
            break;

        case 'T':
            ctl->timeout = parse_seconds("timeout", optarg);
            given |= SGCTL_TIMEOUT;
            break;

        case OPT_PORTS:
            ctl->ports = optarg;
            given |= SGCTL_PORTS;
            break;

        case OPT_BRIDGE:
            ctl->bridge = optarg;
            given |= SGCTL_BRIDGE;
            break;

        case OPT_STAGE:
            ctl->stage = optarg;
            given |= SGCTL_STAGE;
            break;

        case OPT_FORCE:
            ctl->force = true;
            given |= SGCTL_FORCE;
            break;

        case OPT_SAMPLE:
            ctl->sample = parse_seconds("sample", optarg);
            given |= SGCTL_SAMPLE;
            break;

        case OPT_DRY_RUN:
            ctl->dry_run = true;
            given |= SGCTL_DRY_RUN;
            break;

        case 'h':
            usage();

        case 'V':
            ovs_print_version(0, 0);
            exit(SGCTL_OK);

        VLOG_OPTION_HANDLERS

        case '?':
            /* getopt_long() has said what is wrong. */
            fprintf(stderr, "Use %s --help for help.\n", program_name);
            exit(SGCTL_USAGE);

        default:
            abort();
        }
    }
    free(short_options);
    return given;
}

static const struct sgctl_command *
find_command(const char *name)
{
    const char *names[ARRAY_SIZE(commands)];
    const char *guess;

    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (!strcmp(name, commands[i].name)) {
            return &commands[i];
        }
        names[i] = commands[i].name;
    }
    guess = sg_did_you_mean(name, names, ARRAY_SIZE(names));
    if (guess) {
        usage_error("unknown command '%s'; did you mean '%s'?", name, guess);
    }
    usage_error("unknown command '%s'", name);
}

static void
check_options(const struct sgctl_command *command, unsigned int given)
{
    for (size_t i = 0; i < ARRAY_SIZE(command_options); i++) {
        if (given & ~command->options & command_options[i].option) {
            usage_error("'%s' takes no option %s", command->name,
                        command_options[i].name);
        }
    }
}

int
main(int argc, char *argv[])
{
    const struct sgctl_command *command;
    struct sgctl ctl = { .target = NULL };
    unsigned int given;

    ovs_set_program_name(argv[0], SG_VERSION);
    fatal_ignore_sigpipe();
    /* What goes wrong is said by the commands, once. */
    vlog_set_levels(NULL, VLF_CONSOLE, VLL_EMER);
    given = parse_options(argc, argv, &ctl);

    if (optind >= argc) {
        usage_error("a command is missing");
    }
    command = find_command(argv[optind]);
    check_options(command, given);
    ctl.args = (const char **) argv + optind + 1;
    ctl.n_args = argc - optind - 1;
    if (ctl.n_args < command->min_args || ctl.n_args > command->max_args) {
        usage_error("'%s' needs %s arguments: %s %s%s%s", command->name,
                    ctl.n_args < command->min_args ? "more" : "fewer",
                    program_name, command->name,
                    *command->arguments ? " " : "", command->arguments);
    }
    return command->run(&ctl);
}
