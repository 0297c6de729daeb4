/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_CTL_OBSERVE_COMMAND_H
#define SG_CTL_OBSERVE_COMMAND_H 1

#include "ctl/sgctl.h"

struct json;

/* Asks the agent what enabling 'bridge' (NULL: each that may be) would bring,
 * with --sample after a look at packets.  NULL after it has said on stderr why
 * there is no answer. */
struct json *observe_ask(const struct sgctl *, const char *bridge);

/* Says on stderr what enabling 'bridge' would guard and cut.  False if the
 * agent could not be asked, which it has said. */
bool observe_warn(const struct sgctl *, const char *bridge);

#endif /* ctl/observe-command.h */
