/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_CHANNEL_H
#define SG_SCRIPT_CHANNEL_H 1

/* The agent's end of the channel to ovs-sg-script
 * ===============================================
 *
 * JSON-RPC over a socket.  We send requests, and the child answers them in
 * order:
 *
 *   "open"    [VERSION, LANGUAGE, BUDGETS]  {"errors"}
 *   "run"     [FILE, TEXT]          {"errors", "complete", "stopped"}
 *   "finish"  [COMPLETE]            {"errors", "document"}
 *   "call"    [NAME, NUMBER, ARGUMENT]      what the function answers
 *
 * "errors" is a list of {"file", "line", "message"}.  While it works on one,
 * the child may ask for a text, and gets a struct sg_source as an object, and
 * may say something for the log:
 *
 *   "read"    ["module" or "language", NAME]    {"file", "text", "error"}
 *   "log"     [WARN, FILE, LINE, TEXT]          (no answer)
 *
 * The child is not trusted.  It has a time in which to answer, by its own
 * processor time and by the clock, and a limit for the size of the answer and
 * for what it says meanwhile.  Whoever exceeds one, or breaks the protocol,
 * is killed, and the channel is *broken*: it says why, and is of no more use.
 *
 * Nothing here blocks.  Thread: one. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;
struct jsonrpc_msg;
struct sg_channel;

/* What the child may use up until its next answer. */
struct sg_channel_limits {
    uint64_t cpu_ms;            /* Processor time. */
    uint64_t ms;                /* By the clock. */
    size_t bytes;               /* Of what it sends. */
    size_t messages;            /* Lines for the log, and questions. */
};

/* Starts 'program'.  The channel may be broken from the beginning. */
struct sg_channel *sg_channel_create(const char *program);
/* Kills the child, if it lives. */
void sg_channel_destroy(struct sg_channel *);

/* Sends a request; 'params' is the channel's then.  Answers come in the
 * order of the requests. */
void sg_channel_request(struct sg_channel *, const char *method,
                        struct json *params);
/* Answers a request of the child's. */
void sg_channel_reply(struct sg_channel *, const struct jsonrpc_msg *request,
                      struct json *result);

/* The next answer is to come within 'limits', counted from now. */
void sg_channel_expect(struct sg_channel *, const struct sg_channel_limits *);

/* The next message, for the caller to destroy; NULL if there is none yet.  An
 * answer is one to the oldest request. */
struct jsonrpc_msg *sg_channel_recv(struct sg_channel *);
/* NULL, or a sentence ("the script was stopped after ..."). */
const char *sg_channel_broken(const struct sg_channel *);

/* What the child has used up since sg_channel_expect(). */
uint64_t sg_channel_cpu_ms(const struct sg_channel *);
uint64_t sg_channel_ms(const struct sg_channel *);

void sg_channel_wait(struct sg_channel *);

#endif /* script/channel.h */
