/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "lab.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "byte-order.h"
#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/vlog.h"
#include "util.h"

static char *dir;               /* Everything is in here. */
static pid_t server;            /* 0 if not running. */
static pid_t vswitchd;          /* 0 if not running. */
static long log_read;           /* So much of our own log was looked at. */

static void
end_process(pid_t *pid)
{
    if (*pid) {
        kill(*pid, SIGKILL);
        while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR) {
            continue;
        }
        *pid = 0;
    }
}

static void
clean_up(void *aux OVS_UNUSED)
{
    end_process(&vswitchd);
    end_process(&server);
    if (dir && !getenv("SG_KEEP")) {
        char *command = xasprintf("rm -rf '%s'", dir);

        ignore(system(command));
        free(command);
    }
}

static void OVS_NO_RETURN OVS_PRINTF_FORMAT(1, 2)
bail_out(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    printf("Bail out! ");
    vprintf(format, args);
    putchar('\n');
    va_end(args);
    clean_up(NULL);
    exit(1);
}

char *
lab_get(const char *format, ...)
{
    struct ds output = DS_EMPTY_INITIALIZER;
    va_list args;

    va_start(args, format);
    char *command = xvasprintf(format, args);
    va_end(args);

    FILE *stream = popen(command, "r");

    if (!stream) {
        bail_out("cannot run %s (%s)", command, ovs_strerror(errno));
    }
    for (int c; (c = getc(stream)) != EOF; ) {
        ds_put_char(&output, c);
    }

    int status = pclose(stream);

    if (status) {
        bail_out("%s: status %d", command, status);
    }
    free(command);
    return ds_steal_cstr(&output);
}

void
lab_run(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *command = xvasprintf(format, args);
    va_end(args);
    free(lab_get("%s", command));
    free(command);
}

/* Starts 'command' and waits until it has made 'file' in the folder. */
static pid_t
spawn(const char *command, const char *file)
{
    char *path = xasprintf("%s/%s", dir, file);
    pid_t pid;

    unlink(path);
    pid = fork();
    if (pid < 0) {
        bail_out("cannot fork (%s)", ovs_strerror(errno));
    } else if (!pid) {
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    for (int i = 0; access(path, F_OK); i++) {
        if (i > 1000) {
            bail_out("%s does not appear", path);
        }
        usleep(10 * 1000);
    }
    free(path);
    return pid;
}

void
lab_start_switch(void)
{
    vswitchd = spawn("exec ovs-vswitchd \"unix:$OVS_RUNDIR/db.sock\" "
                     "--enable-dummy --disable-system --no-chdir --pidfile "
                     "-vconsole:off -vfile:info "
                     "--log-file=\"$OVS_RUNDIR/ovs-vswitchd.log\" "
                     ">/dev/null 2>&1", "ovs-vswitchd.pid");
    /* Some commands are there only once it has made its bridges. */
    lab_run("ovs-vsctl --timeout=60 set Open_vSwitch . "
            "external_ids:lab=$(cat \"$OVS_RUNDIR/ovs-vswitchd.pid\")");
}

void
lab_stop_switch(void)
{
    end_process(&vswitchd);
}

static const char *
pkgdatadir(void)
{
    const char *set = getenv("OVS_PKGDATADIR");

    return set ? set : "/usr/share/openvswitch";
}

void
lab_start(const char *program)
{
    const char *tmp = getenv("TMPDIR");
    char *log;

    dir = xasprintf("%s/sg-switch-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir)) {
        bail_out("cannot make %s (%s)", dir, ovs_strerror(errno));
    }
    setenv("OVS_RUNDIR", dir, 1);
    setenv("OVS_LOGDIR", dir, 1);

    set_program_name(program);
    log = xasprintf("%s/test.log", dir);
    vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
    vlog_set_levels(NULL, VLF_FILE, VLL_INFO);
    vlog_set_log_file(log);
    free(log);
    fatal_signal_init();
    fatal_signal_add_hook(clean_up, NULL, NULL, true);
    signal(SIGPIPE, SIG_IGN);

    lab_run("ovsdb-tool create '%s/conf.db' '%s/vswitch.ovsschema'", dir,
            pkgdatadir());
    server = spawn("exec ovsdb-server \"$OVS_RUNDIR/conf.db\" "
                   "--remote=\"punix:$OVS_RUNDIR/db.sock\" "
                   "--unixctl=\"$OVS_RUNDIR/ovsdb-server.ctl\" "
                   "-vconsole:off --log-file=\"$OVS_RUNDIR/server.log\" "
                   ">/dev/null 2>&1", "db.sock");
    lab_run("until ovs-vsctl --no-wait init 2>/dev/null; do sleep .02; done");
    lab_start_switch();
}

void
lab_finish(void)
{
    clean_up(NULL);
    free(dir);
    dir = NULL;
}

char *
lab_log(void)
{
    struct ds lines = DS_EMPTY_INITIALIZER;
    struct ds line = DS_EMPTY_INITIALIZER;
    char *path = xasprintf("%s/test.log", dir);
    FILE *stream = fopen(path, "r");

    if (stream) {
        ignore(fseek(stream, log_read, SEEK_SET));
        while (!ds_get_line(&line, stream)) {
            if (strstr(ds_cstr(&line), "|WARN|")
                || strstr(ds_cstr(&line), "|ERR|")) {
                ds_put_format(&lines, "%s\n", ds_cstr(&line));
            }
        }
        log_read = ftell(stream);
        fclose(stream);
    }
    free(path);
    ds_destroy(&line);
    return ds_steal_cstr(&lines);
}

static bool
is_our_table(uint8_t table_id)
{
    return table_id >= 1 && table_id <= 9;
}

struct sg_switch *
lab_connect(const char *bridge)
{
    char *target = xasprintf("unix:%s/%s.mgmt", dir, bridge);
    struct sg_switch *s = sg_switch_create(bridge, target, 100, is_our_table);

    free(target);
    return s;
}

void
lab_add_flow(struct sg_flows *flows, unsigned int cookie,
             const char *format, ...)
{
    enum ofputil_protocol usable;
    struct ofputil_flow_mod fm;
    struct match match;
    va_list args;

    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);

    char *error = parse_ofp_flow_mod_str(&fm, text, NULL, NULL, OFPFC_ADD,
                                         &usable);
    if (error) {
        bail_out("%s: %s", text, error);
    }
    minimatch_expand(&fm.match, &match);
    sg_flows_add(flows, fm.table_id == OFPTT_ALL ? 0 : fm.table_id,
                 fm.priority, SG_COOKIE_MAGIC | cookie, &match,
                 fm.ofpacts, fm.ofpacts_len);
    minimatch_destroy(&fm.match);
    free(fm.ofpacts);
    free(text);
}

size_t
lab_commit(struct sg_switch *s, const struct sg_flows *desired)
{
    struct sg_changes changes;
    size_t n;

    sg_changes_init(&changes);
    sg_flows_diff(sg_switch_installed(s), desired, &changes);
    sg_switch_commit(s, &changes);
    n = changes.n;
    sg_changes_destroy(&changes);
    return n;
}

bool
lab_bridge_has(const char *bridge, const struct sg_flows *flows)
{
    struct ds wanted = DS_EMPTY_INITIALIZER;
    char *command = xasprintf("LC_ALL=C sort >'%s/wanted'", dir);
    FILE *stream = popen(command, "w");

    sg_flows_format(flows, &wanted);
    fputs(ds_cstr(&wanted), stream);
    pclose(stream);
    ds_destroy(&wanted);
    free(command);

    char *difference = lab_get(
        "ovs-ofctl --no-stats --no-names -O OpenFlow15 dump-flows %s "
        "cookie=%#llx/%#llx | sed 's/^ //' | LC_ALL=C sort "
        "| diff - '%s/wanted' || :", bridge,
        (unsigned long long int) SG_COOKIE_MAGIC,
        (unsigned long long int) SG_COOKIE_MASK, dir);
    bool same = !difference[0];

    if (!same) {
        printf("# %s\n", difference);
    }
    free(difference);
    return same;
}
