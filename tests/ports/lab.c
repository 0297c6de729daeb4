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

#include "dirs.h"
#include "fatal-signal.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "util.h"

static char *dir;               /* Everything is in here. */
static char *remote;
static pid_t server;            /* 0 if not running. */
static pid_t vswitchd;          /* 0 if not running. */
static int n_tests;
static int n_failed;

bool
ok_at(const char *file, int line, bool condition, const char *what)
{
    printf("%s %d - %s\n", condition ? "ok" : "not ok", ++n_tests, what);
    if (!condition) {
        printf("# at %s:%d\n", file, line);
        n_failed++;
    }
    fflush(stdout);
    return condition;
}

bool
is_at(const char *file, int line, const char *got, const char *wanted,
      const char *what)
{
    bool same = nullable_string_is_equal(got, wanted);
    ok_at(file, line, same, what);
    if (!same) {
        printf("# got    %s\n# wanted %s\n", got ? got : "(null)",
               wanted ? wanted : "(null)");
    }
    return same;
}

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
    if (dir) {
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

static void OVS_PRINTF_FORMAT(1, 2)
shell(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *command = xvasprintf(format, args);
    va_end(args);

    if (system(command)) {
        bail_out("failed: %s", command);
    }
    free(command);
}

/* Starts 'command' in the shell, with its output in the log. */
static pid_t
spawn(const char *command)
{
    pid_t pid = fork();
    if (pid < 0) {
        bail_out("cannot fork (%s)", ovs_strerror(errno));
    } else if (!pid) {
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    return pid;
}

/* Waits until 'file' in the folder exists. */
static void
wait_for_file(const char *file)
{
    char *path = xasprintf("%s/%s", dir, file);
    for (int i = 0; access(path, F_OK); i++) {
        if (i > 1000) {
            bail_out("%s does not appear", path);
        }
        usleep(10 * 1000);
    }
    free(path);
}

void
lab_start_server(void)
{
    char *socket = xasprintf("%s/db.sock", dir);
    unlink(socket);
    free(socket);

    char *command = xasprintf(
        "exec ovsdb-server '%s/conf.db' --remote='punix:%s/db.sock' "
        "--unixctl='%s/ovsdb-server.ctl' -vconsole:off "
        "--log-file='%s/ovsdb-server.log' >/dev/null 2>&1",
        dir, dir, dir, dir);
    server = spawn(command);
    free(command);
    wait_for_file("db.sock");
}

void
lab_stop_server(void)
{
    end_process(&server);
}

void
lab_start_switch(void)
{
    char *command = xasprintf(
        "OVS_RUNDIR='%s' exec ovs-vswitchd 'unix:%s/db.sock' "
        "--enable-dummy=override --disable-system --no-chdir "
        "--unixctl='%s/ovs-vswitchd.ctl' -vconsole:off "
        "--log-file='%s/ovs-vswitchd.log' >/dev/null 2>&1",
        dir, dir, dir, dir);
    vswitchd = spawn(command);
    free(command);
    wait_for_file("ovs-vswitchd.ctl");
}

/* Of the stock Open vSwitch, like the programs. */
static const char *
pkgdatadir(void)
{
    const char *set = getenv("OVS_PKGDATADIR");
    return set ? set : "/usr/share/openvswitch";
}

void
lab_start(const char *program, bool no_server)
{
    const char *tmp = getenv("TMPDIR");
    dir = xasprintf("%s/sg-ports-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir)) {
        bail_out("cannot make %s (%s)", dir, ovs_strerror(errno));
    }
    remote = xasprintf("unix:%s/db.sock", dir);

    set_program_name(program);
    vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
    fatal_signal_init();
    fatal_signal_add_hook(clean_up, NULL, NULL, true);
    signal(SIGPIPE, SIG_IGN);

    shell("ovsdb-tool create '%s/conf.db' '%s/vswitch.ovsschema'",
          dir, pkgdatadir());
    if (!no_server) {
        lab_start_server();
        vsctl("init");
    }
}

int
lab_finish(void)
{
    printf("1..%d\n", n_tests);
    return n_failed != 0;
}

const char *
lab_remote(void)
{
    return remote;
}

static char *
vsctl_command(const char *arguments, va_list args)
{
    char *tail = xvasprintf(arguments, args);
    char *command = xasprintf("ovs-vsctl --timeout=10 --no-wait --db='%s' %s",
                              remote, tail);
    free(tail);
    return command;
}

void
vsctl(const char *arguments, ...)
{
    va_list args;
    va_start(args, arguments);
    char *command = vsctl_command(arguments, args);
    va_end(args);
    shell("%s", command);
    free(command);
}

const char *
vsget(const char *arguments, ...)
{
    static char line[1024];
    va_list args;
    va_start(args, arguments);
    char *command = vsctl_command(arguments, args);
    va_end(args);

    FILE *pipe = popen(command, "r");
    if (!pipe || !fgets(line, sizeof line, pipe)) {
        line[0] = '\0';
    }
    if (!pipe || pclose(pipe)) {
        bail_out("failed: %s", command);
    }
    free(command);

    line[strcspn(line, "\n")] = '\0';
    size_t n = strlen(line);
    if (n >= 2 && line[0] == '"' && line[n - 1] == '"') {
        memmove(line, line + 1, n - 2);
        line[n - 2] = '\0';
    }
    return line;
}

int
lab_n_transactions(void)
{
    char *command = xasprintf("ovsdb-tool show-log '%s/conf.db' "
                              "| grep -c '^record'", dir);
    FILE *pipe = popen(command, "r");
    int n = -1;

    if (!pipe || fscanf(pipe, "%d", &n) != 1) {
        n = -1;
    }
    if (pipe) {
        pclose(pipe);
    }
    free(command);
    return n;
}
