/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_CTL_SGCTL_H
#define SG_CTL_SGCTL_H 1

/* ovs-sgctl, the operator's command
 * =================================
 *
 *                       .--> offline: check, compile, test (no agent)
 *   command line --> command
 *                       '--> agent-commands.c --> client.c --- unixctl --->
 *                               |                                the agent
 *                               '<-- JSON --> render.c --> tables
 *
 * The commands are rows of the table in ovs-sgctl.c: what they are called,
 * which arguments and options they take, and the function that runs them.
 *
 * What a command prints as its answer goes to stdout; everything about the
 * running of the command (notes, warnings, failures) goes to stderr. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses; CONTRACT section 1. */
enum sgctl_status {
    SGCTL_OK = 0,
    SGCTL_FAILED = 1,           /* It ran, and the answer is no. */
    SGCTL_USAGE = 2             /* It makes no sense. */
};

/* One run of ovs-sgctl. */
struct sgctl {
    const char *target;         /* --target, or NULL. */
    bool json;                  /* --format=json. */
    unsigned int timeout;       /* --timeout, in seconds; 0: none. */
    const char *ports;          /* --ports, or NULL. */
    const char *bridge;         /* --bridge, or NULL. */
    const char *stage;          /* --stage, or NULL. */
    bool force;                 /* --force. */
    unsigned int sample;        /* --sample, in seconds; 0: none. */
    bool dry_run;               /* --dry-run. */
    const char **args;          /* What follows the command's name. */
    size_t n_args;
};

/* Options that only some commands take. */
enum sgctl_option {
    SGCTL_TIMEOUT = 1 << 0,
    SGCTL_PORTS = 1 << 1,
    SGCTL_BRIDGE = 1 << 2,
    SGCTL_STAGE = 1 << 3,
    SGCTL_FORCE = 1 << 4,
    SGCTL_SAMPLE = 1 << 5,
    SGCTL_DRY_RUN = 1 << 6
};

struct sgctl_command {
    const char *name;
    const char *arguments;      /* For the help. */
    const char *summary;        /* For the help: a few words. */
    size_t min_args;
    size_t max_args;            /* SIZE_MAX: any number. */
    unsigned int options;       /* Bits of enum sgctl_option. */
    enum sgctl_status (*run)(const struct sgctl *);
};

/* Without the agent: check-command.c, compile-command.c, test-command.c (see
 * test-step.h). */
enum sgctl_status sgctl_check(const struct sgctl *);
enum sgctl_status sgctl_compile(const struct sgctl *);
enum sgctl_status sgctl_test(const struct sgctl *);

/* With the agent: observe-command.c; agent-commands.c. */
enum sgctl_status sgctl_observe(const struct sgctl *);
enum sgctl_status sgctl_reload(const struct sgctl *);
enum sgctl_status sgctl_wait(const struct sgctl *);
enum sgctl_status sgctl_trace(const struct sgctl *);
enum sgctl_status sgctl_enable(const struct sgctl *);
enum sgctl_status sgctl_disable(const struct sgctl *);
enum sgctl_status sgctl_list_groups(const struct sgctl *);
enum sgctl_status sgctl_list_ports(const struct sgctl *);
enum sgctl_status sgctl_list_addresses(const struct sgctl *);
enum sgctl_status sgctl_refresh(const struct sgctl *);
enum sgctl_status sgctl_show(const struct sgctl *);

#endif /* ctl/sgctl.h */
