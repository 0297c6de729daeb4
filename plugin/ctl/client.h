/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_CTL_CLIENT_H
#define SG_CTL_CLIENT_H 1

/* A question to the agent
 * =======================
 *
 * One request over the agent's unixctl socket.  Unlike OVS's own
 * unixctl_client_transact() it gives up after a while if told to, with an
 * error to print instead of a signal. */

#include <stddef.h>

struct json;

enum client_outcome {
    CLIENT_OK,                  /* '*answer' is what the agent says. */
    CLIENT_REFUSED,             /* '*error' is what the agent says. */
    CLIENT_FAILED               /* The agent was not asked; '*error' says
                                 * why. */
};

/* Calls 'command' with 'args' at 'target': a socket's path, a process ID, the
 * name of a daemon that has a pidfile in the run directory, or NULL for
 * ovs-sgd, or if that does not run, ovs-vswitchd, which may have loaded
 * ovs-sg.so.  Gives up after 'timeout' seconds unless that is 0.  The caller
 * destroys '*answer' and frees '*error'; the one that does not apply is
 * NULL. */
enum client_outcome client_call(const char *target, unsigned int timeout,
                                const char *command, const char *args[],
                                size_t n_args,
                                struct json **answer, char **error);

/* The member 'name' of 'json', NULL if there is none, or if 'json' is no
 * object. */
const struct json *client_member(const struct json *, const char *name);

#endif /* ctl/client.h */
