/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/lockdown.h"

#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "util.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

/* The program itself, its libraries, and the document as JSON. */
#define EXTRA_MEMORY (512u * 1024 * 1024)

/* Who is nobody. */
#define NOBODY 65534

/* Descriptors; poll() wants to hear of no fewer than it is given. */
#define MAX_FILES 16

bool
sg_lockdown_is_partial(void)
{
    return SANITIZED;
}

static void
limit(int resource, rlim_t value)
{
    struct rlimit rlimit = { value, value };

    setrlimit(resource, &rlimit);
}

/* Where this is not possible, in a user namespace of one user, say, the rest
 * has to do. */
static void
become_nobody(void)
{
    if (!geteuid() && !setgroups(0, NULL) && !setgid(NOBODY)) {
        ignore(setuid(NOBODY));
    }
}

void
sg_lockdown_begin(void)
{
    limit(RLIMIT_CORE, 0);
    if (!SANITIZED) {
        become_nobody();
        limit(RLIMIT_FSIZE, 0);
        limit(RLIMIT_NOFILE, MAX_FILES);
        limit(RLIMIT_NPROC, 0);
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    /* After the change of user, which takes it back. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

/* System calls. */

static const int allowed[] = {
    SCMP_SYS(brk), SCMP_SYS(clock_gettime), SCMP_SYS(close), SCMP_SYS(exit),
    SCMP_SYS(exit_group), SCMP_SYS(futex), SCMP_SYS(getpid),
    SCMP_SYS(getrusage), SCMP_SYS(gettid), SCMP_SYS(gettimeofday),
    SCMP_SYS(madvise), SCMP_SYS(mremap), SCMP_SYS(munmap), SCMP_SYS(poll),
    SCMP_SYS(ppoll), SCMP_SYS(read), SCMP_SYS(recvfrom),
    SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sendto),
    SCMP_SYS(write),
};

/* Those that are allowed with some arguments: argument 'arg', masked with
 * 'mask', must be 'value'. */
struct conditional {
    int syscall;
    unsigned int arg;
    uint64_t mask;
    uint64_t value;
};

static int
add_rules(scmp_filter_ctx filter)
{
    /* Memory that can be run, others' limits, and signals to others: no. */
    const struct conditional conditionals[] = {
        { SCMP_SYS(mmap), 2, PROT_EXEC, 0 },
        { SCMP_SYS(mprotect), 2, PROT_EXEC, 0 },
        { SCMP_SYS(prlimit64), 0, UINT64_MAX, 0 },
        { SCMP_SYS(tgkill), 0, UINT64_MAX, getpid() },
    };
    int error = 0;

    for (size_t i = 0; i < ARRAY_SIZE(allowed) && !error; i++) {
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(conditionals) && !error; i++) {
        const struct conditional *c = &conditionals[i];
        const struct scmp_arg_cmp cmp = {
            .arg = c->arg, .op = SCMP_CMP_MASKED_EQ,
            .datum_a = c->mask, .datum_b = c->value,
        };

        error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, c->syscall, 1,
                                       &cmp);
    }
    return error;
}

/* What is not allowed fails with EPERM, not with a signal: a library that
 * asks for something that it can do without goes on. */
static int
filter_system_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int error = filter ? add_rules(filter) : -ENOMEM;

    if (!error) {
        error = seccomp_load(filter);
    }
    seccomp_release(filter);
    return -error;
}

char *
sg_lockdown_finish(size_t max_memory)
{
    if (SANITIZED) {
        return NULL;
    }
    limit(RLIMIT_AS, max_memory + EXTRA_MEMORY);
    int error = filter_system_calls();
    return error ? xasprintf("cannot give up system calls: %s",
                             ovs_strerror(error)) : NULL;
}

/* Processor time. */

void
sg_lockdown_time(uint64_t ms)
{
    struct rusage usage;

    if (!getrusage(RUSAGE_SELF, &usage)) {
        struct rlimit rlimit = {
            usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
            + 2 * ms / 1000 + 5,
            RLIM_INFINITY
        };

        setrlimit(RLIMIT_CPU, &rlimit);
    }
}
