/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* ovs-sgd: the agent as a process of its own, beside a stock ovs-vswitchd.
 * Tests cannot link this file, so there is nothing in it but options and the
 * main loop. */

#include <getopt.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <unixctl.h>         /* Open vSwitch's; quotes would find our own. */

#include "agent/core.h"
#include "agent/settings.h"
#include "agent/unixctl.h"
#include "command-line.h"
#include "daemon.h"
#include "dirs.h"
#include "dns-resolve.h"
#include "fatal-signal.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "ports/ports.h"
#include "stream-ssl.h"
#include "stream.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(ovs_sgd);

struct arguments {
    struct sg_settings settings;
    char *database;             /* OVSDB remote. */
    char *unixctl_path;         /* NULL: the usual one. */
};

/* Fits a screen of 24 lines, which what libopenvswitch says about its options
 * would not. */
OVS_NO_RETURN static void
usage(void)
{
    printf("%s: security groups for Open vSwitch\n"
           "usage: %s [OPTIONS] [DATABASE]\n"
           "where DATABASE is tcp:HOST:PORT, ssl:HOST:PORT or unix:FILE\n"
           "      (default: unix:%s/db.sock)\n"
           "Options:\n", program_name, program_name, ovs_rundir());
    printf("  --policy=PATH             Lua file, or folder of *.lua; may be "
           "repeated\n"
           "                            (default: %s)\n"
           "  --observe                 compile, report and trace, but "
           "install nothing\n"
           "  --midstream-grace=SECS    how long TCP may begin without a SYN "
           "(default: 0)\n"
           "  --conntrack-limit=N       connections of a guarded port "
           "(default: no limit)\n"
           "  --learn-idle=SECS         what is learned and not used is "
           "forgotten (1800)\n"
           "  --zones=FIRST-LAST        conntrack zones to use (default: "
           "1-65535)\n"
           "  --switch-unixctl=SOCKET   control socket of ovs-vswitchd\n"
           "  --unixctl=SOCKET          our own control socket\n",
           SG_DEFAULT_POLICY);
    printf("As in all daemons of Open vSwitch:\n"
           "  --detach, --no-chdir, --monitor, --pidfile[=FILE], "
           "--overwrite-pidfile,\n"
           "  --user=USER[:GROUP], --no-self-confinement,\n"
           "  -v, --verbose[=SPEC], --log-file[=FILE], "
           "--syslog-method=METHOD,\n"
           "  --syslog-target=HOST:PORT, -p, --private-key=FILE,\n"
           "  -c, --certificate=FILE, -C, --ca-cert=FILE, "
           "--peer-ca-cert=FILE,\n"
           "  --bootstrap-ca-cert=FILE, --ssl-protocols=PROTOS, "
           "--ssl-ciphers=CIPHERS,\n"
           "  -h, --help, -V, --version\n");
    exit(EXIT_SUCCESS);
}

static void
set(struct arguments *args, const char *name, const char *value)
{
    char *error = sg_settings_set(&args->settings, name, value);

    if (error) {
        ovs_fatal(0, "--%s: %s", name, error);
    }
}

static void
parse_database(struct arguments *args, int argc, char *argv[])
{
    if (argc > 1) {
        ovs_fatal(0, "at most one non-option argument accepted; "
                  "use --help for usage");
    }
    args->database = argc ? xstrdup(argv[0]) : sg_ovsdb_default_remote();
}

static void
parse_options(int argc, char *argv[], struct arguments *args)
{
    enum {
        OPT_POLICY = UCHAR_MAX + 1,
        OPT_OBSERVE,
        OPT_MIDSTREAM_GRACE,
        OPT_CONNTRACK_LIMIT,
        OPT_LEARN_IDLE,
        OPT_ZONES,
        OPT_SWITCH_UNIXCTL,
        OPT_UNIXCTL,
        OPT_PEER_CA_CERT,
        OPT_BOOTSTRAP_CA_CERT,
        DAEMON_OPTION_ENUMS,
        VLOG_OPTION_ENUMS,
        SSL_OPTION_ENUMS,
    };
    static const struct option long_options[] = {
        {"policy", required_argument, NULL, OPT_POLICY},
        {"observe", no_argument, NULL, OPT_OBSERVE},
        {"midstream-grace", required_argument, NULL, OPT_MIDSTREAM_GRACE},
        {"conntrack-limit", required_argument, NULL, OPT_CONNTRACK_LIMIT},
        {"learn-idle", required_argument, NULL, OPT_LEARN_IDLE},
        {"zones", required_argument, NULL, OPT_ZONES},
        {"switch-unixctl", required_argument, NULL, OPT_SWITCH_UNIXCTL},
        {"unixctl", required_argument, NULL, OPT_UNIXCTL},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        DAEMON_LONG_OPTIONS,
        VLOG_LONG_OPTIONS,
        STREAM_SSL_LONG_OPTIONS,
        {"peer-ca-cert", required_argument, NULL, OPT_PEER_CA_CERT},
        {"bootstrap-ca-cert", required_argument, NULL, OPT_BOOTSTRAP_CA_CERT},
        {NULL, 0, NULL, 0},
    };
    char *short_options = ovs_cmdl_long_options_to_short_options(long_options);
    int c;

    while ((c = getopt_long(argc, argv, short_options, long_options,
                            NULL)) != -1) {
        switch (c) {
        case OPT_POLICY:
            if (!*optarg) {
                ovs_fatal(0, "--policy: the path is empty");
            }
            sg_settings_add_policy(&args->settings, optarg);
            break;

        case OPT_OBSERVE:
            args->settings.observe = true;
            break;

        case OPT_MIDSTREAM_GRACE:
            set(args, "midstream-grace", optarg);
            break;

        case OPT_CONNTRACK_LIMIT:
            set(args, "conntrack-limit", optarg);
            break;

        case OPT_LEARN_IDLE:
            set(args, "learn-idle", optarg);
            break;

        case OPT_ZONES:
            set(args, "zones", optarg);
            break;

        case OPT_SWITCH_UNIXCTL:
            set(args, "switch-unixctl", optarg);
            break;

        case OPT_UNIXCTL:
            args->unixctl_path = optarg;
            break;

        case 'h':
            usage();

        case 'V':
            ovs_print_version(0, 0);
            exit(EXIT_SUCCESS);

        DAEMON_OPTION_HANDLERS
        VLOG_OPTION_HANDLERS
        STREAM_SSL_OPTION_HANDLERS

        case OPT_PEER_CA_CERT:
            stream_ssl_set_peer_ca_cert_file(optarg);
            break;

        case OPT_BOOTSTRAP_CA_CERT:
            stream_ssl_set_ca_cert_file(optarg, true);
            break;

        case '?':
            exit(EXIT_FAILURE);

        default:
            abort();
        }
    }
    free(short_options);

    parse_database(args, argc - optind, argv + optind);
}

static void
cmd_exit(struct unixctl_conn *conn, int argc OVS_UNUSED,
         const char *argv[] OVS_UNUSED, void *exiting_)
{
    bool *exiting = exiting_;

    *exiting = true;
    unixctl_command_reply(conn, NULL);
}

static void
main_loop(struct sg_core *core, struct sg_unixctl *commands,
          struct unixctl_server *server, const bool *exiting)
{
    while (!*exiting) {
        sg_core_run(core);
        sg_unixctl_run(commands);
        unixctl_server_run(server);
        /* Listening, and the policy has been read, if it can be: whoever
         * started us may go on. */
        if (sg_core_reload_finished(core, 1)) {
            daemonize_complete();
        }

        sg_core_wait(core);
        sg_unixctl_wait(commands);
        unixctl_server_wait(server);
        if (*exiting) {
            poll_immediate_wake();
        }
        poll_block();
    }
}

/* The C library keeps small blocks that were freed apart, and puts all of them
 * together with their neighbours at the first big one that is freed: after a
 * bundle of 50,000 flows that is 10 to 20 ms in one turn of the main loop.
 * Without that, each is put where it belongs when it is freed. */
static void
free_small_blocks_at_once(void)
{
#ifdef M_MXFAST
    mallopt(M_MXFAST, 0);
#endif
}

int
main(int argc, char *argv[])
{
    struct arguments args = { .database = NULL };
    struct sg_core_options options;
    struct unixctl_server *server;
    struct sg_unixctl *commands;
    struct sg_core *core;
    bool exiting = false;

    free_small_blocks_at_once();
    ovs_set_program_name(argv[0], SG_VERSION);
    ovs_cmdl_proctitle_init(argc, argv);
    service_start(&argc, &argv);
    ovsthread_id_init();
    dns_resolve_init(true);
    sg_settings_init(&args.settings);
    parse_options(argc, argv, &args);
    fatal_ignore_sigpipe();

    daemonize_start(false);
    if (unixctl_server_create(args.unixctl_path, &server)) {
        exit(EXIT_FAILURE);     /* It has said why. */
    }
    unixctl_command_register("exit", "", 0, 0, cmd_exit, &exiting);

    sg_settings_to_options(&args.settings, &options);
    options.database = args.database;
    core = sg_core_create(&options);
    commands = sg_unixctl_create(core);
    main_loop(core, commands, server, &exiting);

    sg_unixctl_destroy(commands);
    sg_core_destroy(core);
    unixctl_server_destroy(server);
    sg_settings_destroy(&args.settings);
    free(args.database);
    vlog_disable_async();
    ovsrcu_exit();
    dns_resolve_destroy();
    service_stop();
    return 0;
}
