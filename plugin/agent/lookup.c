/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "agent/lookup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core.h"
#include "agent/describe.h"
#include "compile/flow.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "policy/addresses.h"
#include "policy/policy.h"
#include "policy/port.h"
#include "svec.h"
#include "util.h"
#include "uuid.h"

/* The kinds of things with a name of their own.  Each returns NULL if there
 * is none of its kind. */

/* The group whose key is 'name' ("blue/web"); else the only one of that name,
 * whatever its network.  If there are more, their keys go to 'keys'. */
static const struct sg_group *
find_group(const struct sg_policy *policy, const char *name,
           struct svec *keys)
{
    const struct sg_group *group, *found = NULL;

    HMAP_FOR_EACH (group, node, &policy->groups) {
        if (!strcmp(group->key, name)) {
            svec_clear(keys);
            return group;
        } else if (!strcmp(group->name, name)) {
            svec_add(keys, group->key);
            found = group;
        }
    }
    if (keys->n > 1) {
        return NULL;
    }
    svec_clear(keys);
    return found;
}

static struct json *
lookup_group(const struct sg_core *core, const char *name)
{
    const struct sg_policy *policy = sg_core_policy(core);
    struct svec keys = SVEC_EMPTY_INITIALIZER;
    const struct sg_group *group = find_group(policy, name, &keys);

    svec_destroy(&keys);
    if (!group) {
        return NULL;
    }
    struct json *json = sg_describe_group(policy, sg_core_ports(core), group);
    json_object_put(json, "cut",
                    json_integer_create(sg_core_group_cuts(core,
                                                           group->name)));
    return json;
}

/* An error if groups of several networks are called 'name', or NULL. */
static char *
refuse_several_groups(const struct sg_core *core, const char *name)
{
    struct svec keys = SVEC_EMPTY_INITIALIZER;
    char *error = NULL;

    if (!strncmp(name, "group:", 6)) {
        name += 6;
    }
    find_group(sg_core_policy(core), name, &keys);
    if (keys.n) {
        svec_sort(&keys);
        char *list = svec_join(&keys, " or ", "");

        error = xasprintf("several networks have a group %s; write %s", name,
                          list);
        free(list);
    }
    svec_destroy(&keys);
    return error;
}

static struct json *
lookup_port(const struct sg_core *core, const char *name)
{
    const struct sg_port *port = sg_ports_find(sg_core_ports(core), name);

    return port ? sg_describe_port(core, port) : NULL;
}

static struct json *
lookup_bridge(const struct sg_core *core, const char *name)
{
    struct json *json = sg_core_bridge_to_json(core, name);

    if (json) {
        json_object_put_string(json, "kind", "bridge");
    }
    return json;
}

static struct json *
lookup_prefix_list(const struct sg_core *core, const char *name)
{
    const struct sg_policy *policy = sg_core_policy(core);
    const struct sg_prefix_list *list = sg_policy_prefix_list(policy, name);

    return list ? sg_describe_prefix_list(policy, list) : NULL;
}

static struct json *
lookup_addresses(const struct sg_core *core, const char *name)
{
    const struct sg_addresses *addresses
        = sg_policy_addresses(sg_core_policy(core), name);

    return addresses ? sg_describe_addresses(core, addresses) : NULL;
}

static const struct kind {
    const char *name;           /* Also the qualifier: "group:web". */
    struct json *(*lookup)(const struct sg_core *, const char *name);
} kinds[] = {
    { "group", lookup_group },
    { "prefix_list", lookup_prefix_list },
    { "addresses", lookup_addresses },
    { "bridge", lookup_bridge },
    { "port", lookup_port },
};

/* All things called 'name': the first one in '*json', and the others said in
 * the error. */
static char *
lookup_by_name(const struct sg_core *core, const char *name,
               struct json **json)
{
    struct ds choices = DS_EMPTY_INITIALIZER;
    bool bridge = false;
    int n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        /* The local port of a bridge has the bridge's name, and is hardly
         * ever what is meant. */
        struct json *found = (kinds[i].lookup == lookup_port && bridge ? NULL
                              : kinds[i].lookup(core, name));

        if (found) {
            bridge = bridge || kinds[i].lookup == lookup_bridge;
            ds_put_format(&choices, "%s%s:%s", n++ ? " or " : "",
                          kinds[i].name, name);
            if (*json) {
                json_destroy(found);
            } else {
                *json = found;
            }
        }
    }
    if (n > 1) {
        char *error = xasprintf("several things are called %s; write %s",
                                name, ds_cstr(&choices));

        json_destroy(*json);
        *json = NULL;
        ds_destroy(&choices);
        return error;
    }
    ds_destroy(&choices);
    return NULL;
}

static struct json *
lookup_qualified(const struct sg_core *core, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        size_t len = strlen(kinds[i].name);

        if (!strncmp(name, kinds[i].name, len) && name[len] == ':') {
            return kinds[i].lookup(core, name + len + 1);
        }
    }
    return NULL;
}

/* A cookie of the form of a rule's may be that of no rule. */
static bool
explains_nothing(const struct json *json)
{
    const struct json *rules = (json ? shash_find_data(json_object(json),
                                                       "rules") : NULL);

    return !json || (rules && !json_array(rules)->n);
}

static char *
lookup_cookie(const struct sg_core *core, const char *text,
              struct json **json)
{
    uint64_t cookie;
    char *tail;

    errno = 0;
    cookie = strtoull(text, &tail, 16);
    if (errno || *tail || tail == text + 2) {
        return xasprintf("%s: not a cookie, which is 0x and up to 16 "
                         "hexadecimal digits", text);
    }
    if ((cookie & SG_COOKIE_MASK) != SG_COOKIE_MAGIC) {
        return xasprintf("%s is not a cookie of ours, which all begin with "
                         "0x%04x", text, (int) (SG_COOKIE_MAGIC >> 48));
    }
    *json = sg_core_explain_cookie(core, cookie);
    if (explains_nothing(*json)) {
        json_destroy(*json);
        *json = NULL;
        return xasprintf("%s has the form of a cookie of ours, but nothing "
                         "in force has it", text);
    }
    return NULL;
}

static char *
lookup_rule(const struct sg_core *core, const struct uuid *id,
            struct json **json)
{
    const struct sg_rule *rule = sg_policy_rule(sg_core_policy(core), id);

    if (!rule) {
        return xasprintf("the policy in force has no rule "UUID_FMT,
                         UUID_ARGS(id));
    }
    *json = sg_describe_rule(rule);
    return NULL;
}

/* An error for a name that nothing has, with the nearest one. */
static char *
explain_unknown(const struct sg_core *core, const char *name)
{
    const struct sg_policy *policy = sg_core_policy(core);
    struct svec names = SVEC_EMPTY_INITIALIZER;
    const struct sg_addresses *addresses;
    const struct sg_prefix_list *list;
    const struct sg_group *group;
    const struct sg_port *port;
    const char *guess;
    char *error;

    HMAP_FOR_EACH (group, node, &policy->groups) {
        svec_add(&names, group->key);
    }
    HMAP_FOR_EACH (list, node, &policy->prefix_lists) {
        svec_add(&names, list->name);
    }
    HMAP_FOR_EACH (addresses, node, &policy->addresses) {
        svec_add(&names, addresses->name);
    }
    HMAP_FOR_EACH (port, node, &sg_core_ports(core)->ports) {
        svec_add(&names, port->name);
    }
    svec_sort(&names);
    guess = sg_did_you_mean(name, (const char *const *) names.names, names.n);
    error = xasprintf("no group, port, bridge, prefix list, set of "
                      "addresses, rule or cookie is called %s%s%s%s", name,
                      guess ? "; did you mean " : "", guess ? guess : "",
                      guess ? "?" : "");
    svec_destroy(&names);
    return error;
}

char *
sg_lookup(const struct sg_core *core, const char *name, struct json **json)
{
    struct uuid id;
    char *error;

    *json = NULL;
    error = refuse_several_groups(core, name);
    if (!error) {
        error = lookup_by_name(core, name, json);
    }
    if (error || *json) {
        return error;
    }
    *json = lookup_qualified(core, name);
    if (*json) {
        return NULL;
    }
    if (!strncasecmp(name, "0x", 2)) {
        return lookup_cookie(core, name, json);
    }
    if (uuid_from_string(&id, name)) {
        return lookup_rule(core, &id, json);
    }
    return explain_unknown(core, name);
}
