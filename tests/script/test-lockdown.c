/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* What is left to a process that has given up everything it does not need. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "script/lockdown.h"
#include "tap.h"
#include "util.h"

#define MIB (1024 * 1024)

/* Each returns true if it could. */

static bool
can_read_file(void)
{
    return open("/etc/passwd", O_RDONLY) >= 0;
}

static bool
can_make_file(void)
{
    return open("/tmp/ovs-sg-lockdown", O_WRONLY | O_CREAT, 0600) >= 0;
}

static bool
can_remove_file(void)
{
    return !unlink("/tmp/ovs-sg-lockdown-there");
}

static bool
can_list_folder(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY) >= 0;
}

static bool
can_fork(void)
{
    return fork() >= 0;
}

static bool
can_exec(void)
{
    execl("/bin/true", "true", NULL);
    return false;               /* If it could, there is no report. */
}

static bool
can_connect(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool
can_signal(void)
{
    return !kill(getppid(), 0);
}

static bool
can_trace(void)
{
    return !syscall(SYS_ptrace, 0, 0, 0, 0);
}

static bool
can_make_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool
can_have_much_memory(void)
{
    void *p = malloc((size_t) 2048 * MIB);

    free(p);
    return p != NULL;
}

static bool
can_have_memory(void)
{
    void *p = malloc(64 * MIB);

    free(p);
    return p != NULL;
}

static const struct {
    const char *name;
    bool (*try)(void);
    bool expected;
} cases[] = {
    { "read a file", can_read_file, false },
    { "make a file", can_make_file, false },
    { "remove a file", can_remove_file, false },
    { "list a folder", can_list_folder, false },
    { "fork", can_fork, false },
    { "run a program", can_exec, false },
    { "open a connection", can_connect, false },
    { "send a signal", can_signal, false },
    { "trace", can_trace, false },
    { "make code", can_make_code, false },
    { "have 2 GiB of memory", can_have_much_memory, false },
    { "have 64 MiB of memory", can_have_memory, true },
};

/* Tries everything, and writes a byte for each to 'fd'. */
static void
try_all(int fd)
{
    sg_lockdown_begin();
    char *error = sg_lockdown_finish(64 * MIB);

    for (size_t i = 0; i < ARRAY_SIZE(cases) && !error; i++) {
        char c = cases[i].try() ? 'y' : 'n';

        ignore(write(fd, &c, 1));
    }
    _exit(0);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    char answers[ARRAY_SIZE(cases) + 1] = "";
    size_t n = 0;
    ssize_t got;
    int fds[2];

    set_program_name(argv[0]);
    if (sg_lockdown_is_partial()) {
        puts("1..0 # SKIP sanitizers need what is given up");
        return 0;
    }
    close(open("/tmp/ovs-sg-lockdown-there", O_WRONLY | O_CREAT, 0666));
    if (pipe(fds)) {
        ovs_fatal(errno, "pipe");
    }

    pid_t pid = fork();
    if (!pid) {
        try_all(fds[1]);
    }
    close(fds[1]);
    while (n < sizeof answers
           && (got = read(fds[0], answers + n, sizeof answers - n)) > 0) {
        n += got;
    }
    waitpid(pid, NULL, 0);
    ok(n == ARRAY_SIZE(cases), "%d answers", (int) n);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        ok(answers[i] == (cases[i].expected ? 'y' : 'n'), "it can%s %s",
           cases[i].expected ? "" : "not", cases[i].name);
    }
    ok(!access("/tmp/ovs-sg-lockdown-there", F_OK)
       && access("/tmp/ovs-sg-lockdown", F_OK), "the files are as before");
    unlink("/tmp/ovs-sg-lockdown-there");
    return done_testing();
}
