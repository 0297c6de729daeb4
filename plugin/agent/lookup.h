/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_AGENT_LOOKUP_H
#define SG_AGENT_LOOKUP_H 1

/* `show NAME': what is called so?
 *
 * A name may be that of a group, a port (that is, an interface), a bridge or
 * a prefix list.  Where several have it, "group:NAME", "port:NAME" and so on
 * tell them apart.  A rule goes by its UUID, a flow by its cookie. */

struct json;
struct sg_core;

/* Finds 'name' and stores its description, an object with a member "kind", in
 * '*json', which the caller destroys.  Returns NULL, or a sentence that the
 * caller frees; then '*json' is NULL. */
char *sg_lookup(const struct sg_core *, const char *name, struct json **json)
    __attribute__((warn_unused_result));

#endif /* agent/lookup.h */
