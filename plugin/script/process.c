/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "socket-util.h"
#include "svec.h"
#include "util.h"

/* How often to look whether what was killed is gone (milliseconds).  That
 * takes a moment only. */
#define REAP_INTERVAL 10

/* How long sg_process_finish() waits (milliseconds).  What the kernel has not
 * ended by then hangs in it. */
#define FINISH_PATIENCE 1000

struct sg_process {
    struct ovs_list node;       /* In 'killed', once it is. */
    pid_t pid;
    bool gone;                  /* Collected; 'pid' is somebody else's. */
    int status;                 /* Then, as waitpid() says. */
    clockid_t clock;            /* Of its processor time. */
};

static struct ovs_list killed = OVS_LIST_INITIALIZER(&killed);

/* Starting. */

/* The child gets no more of our environment than what makes it start. */
static void
copy_environment(struct svec *environment)
{
    static const char *const names[] = {
        "ASAN_OPTIONS", "LD_LIBRARY_PATH", "LSAN_OPTIONS", "UBSAN_OPTIONS"
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *value = getenv(names[i]);

        if (value) {
            svec_add_nocopy(environment, xasprintf("%s=%s", names[i], value));
        }
    }
    svec_terminate(environment);
}

static void
init_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all, none;

    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_init(attributes);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setflags(attributes, (POSIX_SPAWN_SETSIGDEF
                                          | POSIX_SPAWN_SETSIGMASK
                                          | POSIX_SPAWN_SETPGROUP));
}

/* Standard error stays ours: what the program says when it breaks down
 * should be seen. */
static void
init_actions(posix_spawn_file_actions_t *actions, int channel)
{
    posix_spawn_file_actions_init(actions);
    posix_spawn_file_actions_adddup2(actions, channel, SG_PROCESS_FD);
    posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null",
                                     O_RDONLY, 0);
    posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null",
                                     O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(actions, SG_PROCESS_FD + 1);
}

/* posix_spawn() shares our memory until the program runs, so that a large
 * host does not stop to copy its page tables, as with fork(). */
static int
spawn(const char *program, int channel, pid_t *pid)
{
    char *argv[] = { CONST_CAST(char *, program), NULL };
    struct svec environment = SVEC_EMPTY_INITIALIZER;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;

    copy_environment(&environment);
    init_attributes(&attributes);
    init_actions(&actions, channel);
    int error = posix_spawn(pid, program, &actions, &attributes, argv,
                            environment.names);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    svec_destroy(&environment);
    return error;
}

char *
sg_process_start(const char *program, struct sg_process **processp, int *fd)
{
    int fds[2];
    pid_t pid;

    *processp = NULL;
    *fd = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds)) {
        return xasprintf("cannot make a socket: %s", ovs_strerror(errno));
    }
    int error = set_nonblocking(fds[0]);
    if (!error) {
        error = spawn(program, fds[1], &pid);
    }
    close(fds[1]);
    if (error) {
        close(fds[0]);
        return xasprintf("cannot run %s: %s", program, ovs_strerror(error));
    }

    struct sg_process *process = xzalloc(sizeof *process);
    process->pid = pid;
    process->clock = (clock_getcpuclockid(pid, &process->clock)
                      ? -1 : process->clock);
    *processp = process;
    *fd = fds[0];
    return NULL;
}

/* Ending. */

/* True once the process is gone. */
static bool
collect(struct sg_process *process)
{
    if (!process->gone) {
        pid_t pid = waitpid(process->pid, &process->status, WNOHANG);

        /* Without a child of that number somebody else has collected it. */
        process->gone = pid == process->pid || (pid < 0 && errno != EINTR);
    }
    return process->gone;
}

void
sg_process_kill(struct sg_process *process)
{
    if (process) {
        if (!collect(process)) {
            kill(process->pid, SIGKILL);
        }
        ovs_list_push_back(&killed, &process->node);
    }
}

char *
sg_process_explain(struct sg_process *process)
{
    if (!collect(process)) {
        return NULL;
    }
    return (WIFSIGNALED(process->status)
            ? xasprintf("was ended by signal %d", WTERMSIG(process->status))
            : xasprintf("ended with status %d",
                        WEXITSTATUS(process->status)));
}

void
sg_process_run(void)
{
    struct sg_process *process;

    LIST_FOR_EACH_SAFE (process, node, &killed) {
        if (collect(process)) {
            ovs_list_remove(&process->node);
            free(process);
        }
    }
}

void
sg_process_wait(void)
{
    if (!ovs_list_is_empty(&killed)) {
        poll_timer_wait(REAP_INTERVAL);
    }
}

void
sg_process_finish(void)
{
    const struct timespec ms = { .tv_nsec = 1000000 };

    for (int i = 0; i < FINISH_PATIENCE; i++) {
        sg_process_run();
        if (ovs_list_is_empty(&killed)) {
            return;
        }
        nanosleep(&ms, NULL);
    }
}

/* Time. */

uint64_t
sg_process_cpu(const struct sg_process *process)
{
    struct timespec ts;

    if (process->gone || clock_gettime(process->clock, &ts)) {
        return 0;
    }
    return ts.tv_sec * UINT64_C(1000) + ts.tv_nsec / 1000000;
}
