/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Bridges: whether we may touch one, and whether we can guard on it. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "policy/port.h"
#include "util.h"

bool
sg_bridge_may_manage(const struct sg_bridge *bridge, bool *explicitly)
{
    *explicitly = smap_get_bool(&bridge->external_ids, "sg-enable", false);
    return (bridge->manager == SG_MANAGER_NONE
            && smap_get_bool(&bridge->external_ids, "sg-enable", true));
}

char *
sg_bridge_check_enable(const struct sg_bridge *bridge)
{
    const struct smap *ids = &bridge->external_ids;
    const char *value = smap_get(ids, "sg-enable");

    if (!value || (smap_get_bool(ids, "sg-enable", true)
                   == smap_get_bool(ids, "sg-enable", false))) {
        return NULL;
    }
    return xasprintf("bridge \"%s\" has sg-enable=\"%s\", which is neither "
                     "true nor false, and counts for nothing; run: ovs-sgctl "
                     "enable %s", bridge->name, value, bridge->name);
}

char *
sg_bridge_refuse(const struct sg_bridge *bridge)
{
    switch (bridge->manager) {
    case SG_MANAGER_OVN:
        return xasprintf("bridge \"%s\" is managed by OVN and is never "
                         "touched; use OVN's ACLs and port groups there",
                         bridge->name);
    case SG_MANAGER_NEUTRON:
        return xasprintf("bridge \"%s\" is managed by Neutron's Open vSwitch "
                         "agent and is never touched; use Neutron's security "
                         "groups there", bridge->name);
    case SG_MANAGER_NONE:
    default:
        return NULL;
    }
}

char *
sg_iface_explain_trusted(const struct sg_iface *iface)
{
    const struct sg_bridge *bridge = iface->bridge;
    bool explicitly;
    char *bad;

    if (bridge->manager != SG_MANAGER_NONE) {
        return sg_bridge_refuse(bridge);
    } else if (!sg_bridge_may_manage(bridge, &explicitly)) {
        return xasprintf("bridge \"%s\" has sg-enable=false; `ovs-sgctl "
                         "enable %s' changes that", bridge->name,
                         bridge->name);
    } else if (smap_get(&iface->external_ids, "iface-id") && !explicitly) {
        bad = sg_bridge_check_enable(bridge);
        return bad ? bad : xasprintf(
            "it has no sg-groups, no `bind' matches it, and its iface-id "
            "counts only after `ovs-sgctl enable %s'", bridge->name);
    }
    return xstrdup("it has no sg-groups, and no `bind' of the policy matches "
                   "it");
}

static bool
has_protocol(const struct sg_bridge *bridge, const char *name)
{
    for (size_t i = 0; i < bridge->n_protocols; i++) {
        if (!strcmp(bridge->protocols[i], name)) {
            return true;
        }
    }
    return !bridge->n_protocols;        /* None stands for the defaults. */
}

/* Adds what is wrong to 'why', and a part of an ovs-vsctl command line to
 * 'how'. */
static void
add_problem(struct ds *why, struct ds *how, const char *reason,
            const char *command)
{
    ds_put_format(why, "%s%s", why->length ? ", and " : "", reason);
    ds_put_format(how, "%s%s", how->length ? " -- " : "", command);
}

static void
check_fail_mode(const struct sg_bridge *bridge, struct ds *why,
                struct ds *how)
{
    if (strcmp(bridge->fail_mode, "secure")) {
        char *command = xasprintf("set-fail-mode %s secure", bridge->name);

        add_problem(why, how, "it is not fail_mode=secure, so a restart of "
                    "the switch would open it", command);
        free(command);
    }
}

static void
check_protocols(const struct sg_bridge *bridge, struct ds *why,
                struct ds *how)
{
    if (!has_protocol(bridge, "OpenFlow10")) {
        char *command = xasprintf("add bridge %s protocols OpenFlow10",
                                  bridge->name);

        add_problem(why, how, "its protocols lack OpenFlow10, which no-flood "
                    "needs", command);
        free(command);
    }
    if (!has_protocol(bridge, "OpenFlow14")
        && !has_protocol(bridge, "OpenFlow15")) {
        char *command = xasprintf("add bridge %s protocols OpenFlow15",
                                  bridge->name);

        add_problem(why, how, "its protocols lack a version with bundles",
                    command);
        free(command);
    }
}

char *
sg_bridge_check(const struct sg_bridge *bridge)
{
    struct ds why = DS_EMPTY_INITIALIZER;
    struct ds how = DS_EMPTY_INITIALIZER;
    char *error = NULL;

    check_fail_mode(bridge, &why, &how);
    check_protocols(bridge, &why, &how);
    if (why.length) {
        error = xasprintf("cannot guard on bridge %s: %s; run: ovs-vsctl %s",
                          bridge->name, ds_cstr(&why), ds_cstr(&how));
    }
    ds_destroy(&why);
    ds_destroy(&how);
    return error;
}

bool
sg_bridge_may_close(const struct sg_bridge *bridge)
{
    struct ds why = DS_EMPTY_INITIALIZER;
    struct ds how = DS_EMPTY_INITIALIZER;

    check_protocols(bridge, &why, &how);

    bool may = !why.length;
    ds_destroy(&why);
    ds_destroy(&how);
    return may;
}
