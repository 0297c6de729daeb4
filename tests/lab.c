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

#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "util.h"

static char *dir;               /* Everything is in here. */
static pid_t server;            /* 0 if not running. */
static pid_t vswitchd;          /* 0 if not running. */

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

void
lab_destroy(void)
{
    end_process(&vswitchd);
    end_process(&server);
    if (dir && !getenv("SG_KEEP")) {
        char *command = xasprintf("rm -rf '%s'", dir);

        ignore(system(command));
        free(command);
    }
    free(dir);
    dir = NULL;
}

static void
clean_up(void *aux OVS_UNUSED)
{
    lab_destroy();
}

void
lab_bail_out(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    printf("Bail out! ");
    vprintf(format, args);
    putchar('\n');
    va_end(args);
    lab_destroy();
    exit(1);
}

const char *
lab_dir(void)
{
    return dir;
}

static char *
get_output(const char *command)
{
    struct ds output = DS_EMPTY_INITIALIZER;
    FILE *stream = popen(command, "r");

    if (!stream) {
        lab_bail_out("cannot run %s (%s)", command, ovs_strerror(errno));
    }
    for (int c; (c = getc(stream)) != EOF; ) {
        ds_put_char(&output, c);
    }

    int status = pclose(stream);

    if (status) {
        lab_bail_out("%s: status %d", command, status);
    }
    return ds_steal_cstr(&output);
}

char *
lab_get(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *command = xvasprintf(format, args);
    va_end(args);

    char *output = get_output(command);

    free(command);
    return output;
}

void
lab_run(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *command = xvasprintf(format, args);
    va_end(args);
    free(get_output(command));
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
        lab_bail_out("cannot fork (%s)", ovs_strerror(errno));
    } else if (!pid) {
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    for (int i = 0; access(path, F_OK); i++) {
        if (i > 1000) {
            lab_bail_out("%s does not appear", path);
        }
        usleep(10 * 1000);
    }
    free(path);
    return pid;
}

void
lab_start_server(void)
{
    server = spawn("exec ovsdb-server \"$OVS_RUNDIR/conf.db\" "
                   "--remote=\"punix:$OVS_RUNDIR/db.sock\" "
                   "--unixctl=\"$OVS_RUNDIR/ovsdb-server.ctl\" "
                   "-vconsole:off "
                   "--log-file=\"$OVS_RUNDIR/ovsdb-server.log\" "
                   ">/dev/null 2>&1", "db.sock");
    /* The socket is there before anybody listens. */
    lab_run("until ovs-vsctl --no-wait init 2>/dev/null; do sleep .02; done");
}

void
lab_stop_server(void)
{
    end_process(&server);
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

/* Of the stock Open vSwitch, like the programs. */
static const char *
pkgdatadir(void)
{
    const char *set = getenv("OVS_PKGDATADIR");

    return set ? set : "/usr/share/openvswitch";
}

void
lab_create(const char *program)
{
    const char *tmp = getenv("TMPDIR");

    dir = xasprintf("%s/sg-lab-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir)) {
        lab_bail_out("cannot make %s (%s)", dir, ovs_strerror(errno));
    }
    setenv("OVS_RUNDIR", dir, 1);
    setenv("OVS_LOGDIR", dir, 1);

    set_program_name(program);
    vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
    fatal_signal_init();
    fatal_signal_add_hook(clean_up, NULL, NULL, true);
    signal(SIGPIPE, SIG_IGN);

    lab_run("ovsdb-tool create '%s/conf.db' '%s/vswitch.ovsschema'", dir,
            pkgdatadir());
}
