/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "ctl/render.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "table.h"
#include "util.h"

/* Values. */

static void put_value(const struct json *, const char *separator,
                      struct ds *);

static void
put_array(const struct json *json, const char *separator, struct ds *s)
{
    const struct json_array *array = json_array(json);

    for (size_t i = 0; i < array->n; i++) {
        if (i) {
            ds_put_cstr(s, separator);
        }
        put_value(array->elems[i], separator, s);
    }
}

/* A value as people write it: null as nothing, strings without quotes, arrays
 * with 'separator' between their elements. */
static void
put_value(const struct json *json, const char *separator, struct ds *s)
{
    if (!json || json->type == JSON_NULL) {
        return;
    } else if (json->type == JSON_STRING) {
        ds_put_cstr(s, json_string(json));
    } else if (json->type == JSON_ARRAY) {
        put_array(json, separator, s);
    } else if (json->type == JSON_TRUE || json->type == JSON_FALSE) {
        ds_put_cstr(s, json_boolean(json) ? "yes" : "no");
    } else {
        json_to_ds(json, JSSF_SORT, s);
    }
}

static char *
get_text(const struct json *object, const char *name)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    put_value(client_member(object, name), ", ", &s);
    return ds_steal_cstr(&s);
}

/* "FILE:LINE" of 'object', "" if it has no place. */
static char *
get_place(const struct json *object)
{
    char *file = get_text(object, "file");
    char *line = get_text(object, "line");
    char *place = (*line ? xasprintf("%s:%s", file, line) : xstrdup(file));

    free(file);
    free(line);
    return place;
}

static bool
is_true(const struct json *object, const char *name)
{
    const struct json *json = client_member(object, name);

    return json && json->type == JSON_TRUE;
}

/* Tables. */

/* A column: a heading, and how a row's object gives its text. */
struct column {
    const char *heading;
    const char *name;           /* Of the member; NULL: use 'get'. */
    char *(*get)(const struct json *row);
};

static bool
is_row(const struct json *json)
{
    return json->type == JSON_OBJECT;
}

/* Prints 'rows', an array of objects, with 'columns', which end with one
 * without heading.  'title', if not NULL, goes above.  Prints nothing for no
 * rows. */
static void
print_table(const char *title, const struct json *rows,
            const struct column *columns)
{
    struct table_style style = TABLE_STYLE_DEFAULT;
    struct table table;

    if (!rows || rows->type != JSON_ARRAY || !json_array(rows)->n) {
        return;
    }
    if (title) {
        printf("\n%s:\n", title);
    }
    table_init(&table);
    for (const struct column *c = columns; c->heading; c++) {
        table_add_column(&table, "%s", c->heading);
    }
    for (size_t i = 0; i < json_array(rows)->n; i++) {
        const struct json *row = json_array(rows)->elems[i];

        if (!is_row(row)) {
            continue;
        }
        table_add_row(&table);
        for (const struct column *c = columns; c->heading; c++) {
            table_add_cell(&table)->text = (c->name ? get_text(row, c->name)
                                            : c->get(row));
        }
    }
    style.format = TF_TABLE;
    table_format_reset();       /* No blank line of its own above. */
    table_print(&table, &style);
    table_destroy(&table);
}

/* Prints the members of 'thing' that 'columns' name, a line each. */
static void
print_fields(const struct json *thing, const struct column *columns)
{
    for (const struct column *c = columns; c->heading; c++) {
        char *text = c->name ? get_text(thing, c->name) : c->get(thing);

        if (*text) {
            printf("%s: %s\n", c->heading, text);
        }
        free(text);
    }
}

/* Lists. */

static char *
get_ingress_count(const struct json *group)
{
    const struct json *rules = client_member(group, "rules");

    return rules ? get_text(rules, "ingress") : xstrdup("");
}

static char *
get_egress_count(const struct json *group)
{
    const struct json *rules = client_member(group, "rules");

    return rules ? get_text(rules, "egress") : xstrdup("");
}

/* "web", or "blue/web" for a group of one network: as `show' takes it. */
static char *
get_group_key(const struct json *object, const char *name)
{
    char *group = get_text(object, name);
    char *network = get_text(object, "network");
    char *key = (*network ? xasprintf("%s/%s", network, group)
                 : xstrdup(group));

    free(group);
    free(network);
    return key;
}

static char *
get_group_name(const struct json *group)
{
    return get_group_key(group, "name");
}

static char *
get_group_of_rule(const struct json *rule)
{
    return get_group_key(rule, "group");
}

void
render_groups(const struct json *groups)
{
    static const struct column columns[] = {
        { "group", NULL, get_group_name },
        { "ports", "ports", NULL },
        { "members", "members", NULL },
        { "ingress", NULL, get_ingress_count },
        { "egress", NULL, get_egress_count },
        { "defined at", NULL, get_place },
        { "description", "description", NULL },
        { NULL, NULL, NULL },
    };

    print_table(NULL, groups, columns);
}

void
render_ports(const struct json *ports)
{
    static const struct column columns[] = {
        { "port", "name", NULL },
        { "bridge", "bridge", NULL },
        { "ofport", "ofport", NULL },
        { "network", "network", NULL },
        { "zone", "zone", NULL },
        { "state", "state", NULL },
        { "groups", "groups", NULL },
        { "macs", "macs", NULL },
        { "addresses", "addresses", NULL },
        { "error", "error", NULL },
        { NULL, NULL, NULL },
    };

    print_table(NULL, ports, columns);
}

/* "12 s", or "" if there is no such time. */
static char *
get_seconds(const struct json *row, const char *name)
{
    char *text = get_text(row, name);
    char *seconds = *text ? xasprintf("%s s", text) : xstrdup("");

    free(text);
    return seconds;
}

static char *
get_age(const struct json *row)
{
    char *age = get_seconds(row, "age");

    if (!*age) {
        free(age);
        age = xstrdup("never answered");
    }
    return age;
}

static char *
get_next_refresh(const struct json *row)
{
    return get_seconds(row, "next_refresh");
}

static char *
get_failing(const struct json *row)
{
    return get_seconds(row, "failing");
}

void
render_all_addresses(const struct json *sets)
{
    static const struct column columns[] = {
        { "set", "name", NULL },
        { "source", "source", NULL },
        { "addresses", "addresses", NULL },
        { "age", NULL, get_age },
        { "next refresh", NULL, get_next_refresh },
        { "failing for", NULL, get_failing },
        { "last error", "error", NULL },
        { "refused", "refused", NULL },
        { NULL, NULL, NULL },
    };

    print_table(NULL, sets, columns);
}

/* Things. */

/* Ports or ICMP types, whichever the rule has. */
static char *
get_layer4(const struct json *rule)
{
    char *ports = get_text(rule, "ports");

    if (*ports) {
        return ports;
    }
    free(ports);
    return get_text(rule, "icmp");
}

/* "FILE:LINE, called from FILE:LINE"; a rule that nobody wrote follows from
 * its group's definition, or is part of the product. */
static char *
get_chain(const struct json *rule)
{
    char *place = get_place(rule);
    char *chain = get_text(rule, "chain");
    char *text = (is_true(rule, "implicit") && strchr(place, ':')
                  ? xasprintf("implied by %s", place)
                  : *chain ? xasprintf("%s, %s", place, chain)
                  : xstrdup(place));

    free(place);
    free(chain);
    return text;
}

static void
print_rules(const char *title, const struct json *rules)
{
    static const struct column columns[] = {
        { "group", NULL, get_group_of_rule },
        { "direction", "direction", NULL },
        { "protocol", "protocol", NULL },
        { "family", "family", NULL },
        { "ports", NULL, get_layer4 },
        { "peers", "peers", NULL },
        { "written at", NULL, get_chain },
        { "description", "description", NULL },
        { NULL, NULL, NULL },
    };

    print_table(title, rules, columns);
}

/* Where a member comes from: a port's name or the place of `members', and the
 * set that it is in. */
static char *
get_origin(const struct json *m)
{
    char *port = get_text(m, "port");

    if (*port) {
        return port;
    }
    free(port);

    char *place = get_place(m);
    char *set = get_text(m, "set");
    if (*set) {
        char *both = xasprintf("addresses %s, %s", set, place);

        free(place);
        place = both;
    }
    free(set);
    return place;
}

/* A member of every network has none of its own. */
static char *
get_network(const struct json *m)
{
    char *network = get_text(m, "network");

    if (*network) {
        return network;
    }
    free(network);
    return xstrdup("(every)");
}

static void
print_group(const struct json *group)
{
    static const struct column fields[] = {
        { "group", NULL, get_group_name },
        { "description", "description", NULL },
        { "defined at", NULL, get_place },
        { "revocation", "revocation", NULL },
        { "connections cut", "cut", NULL },
        { "ports", "ports", NULL },
        { NULL, NULL, NULL },
    };
    static const struct column members[] = {
        { "address", "address", NULL },
        { "network", NULL, get_network },
        { "from", NULL, get_origin },
        { NULL, NULL, NULL },
    };

    print_fields(group, fields);
    print_rules("rules", client_member(group, "rules"));
    print_table("members", client_member(group, "members"), members);
}

/* "3; last 192.0.2.1 (ARP): it is that of tap2" */
static char *
get_refused(const struct json *port)
{
    const struct json *refused = client_member(port, "refused");
    char *text = xstrdup("");

    if (refused && refused->type == JSON_OBJECT) {
        char *n = get_text(refused, "claims");
        char *last = get_text(refused, "last");

        free(text);
        text = xasprintf("%s; last %s", n, last);
        free(n);
        free(last);
    }
    return text;
}

static void
print_port(const struct json *port)
{
    static const struct column fields[] = {
        { "port", "name", NULL },
        { "bridge", "bridge", NULL },
        { "ofport", "ofport", NULL },
        { "guarded", "guarded", NULL },
        { "why", "why", NULL },
        { "state", "state", NULL },
        { "error", "error", NULL },
        { "zone", "zone", NULL },
        { "groups", "groups", NULL },
        { "groups from", "groups_from", NULL },
        { "macs", "macs", NULL },
        { "addresses", "addresses", NULL },
        { "port security", "port_security", NULL },
        { "claims refused", NULL, get_refused },
        { "connections cut", "cut", NULL },
        { "connection limit", "conntrack_limit", NULL },
        { NULL, NULL, NULL },
    };
    static const struct column learned[] = {
        { "address", "what", NULL },
        { "from", "from", NULL },
        { "since", "since", NULL },
        { "until", "until", NULL },
        { "last used", "used", NULL },
        { NULL, NULL, NULL },
    };
    static const struct column endpoints[] = {
        { "network", "network", NULL },
        { "vlan", "vlan", NULL },
        { "tagged by the guest", "tagged", NULL },
        { NULL, NULL, NULL },
    };

    print_fields(port, fields);
    print_table("networks", client_member(port, "endpoints"), endpoints);
    print_table("learned", client_member(port, "learned"), learned);
    print_rules("rules", client_member(port, "rules"));
}

static void
print_prefix_list(const struct json *list)
{
    static const struct column fields[] = {
        { "prefix list", "name", NULL },
        { "defined at", NULL, get_place },
        { "prefixes", "prefixes", NULL },
        { NULL, NULL, NULL },
    };

    print_fields(list, fields);
    print_rules("used by", client_member(list, "rules"));
}

static void
print_addresses(const struct json *addresses)
{
    static const struct column fields[] = {
        { "addresses", "name", NULL },
        { "defined at", NULL, get_place },
        { "prefixes", "prefixes", NULL },
        { "refused", "refused", NULL },
        { NULL, NULL, NULL },
    };
    static const struct column sources[] = {
        { "source", "source", NULL },
        { "addresses", "addresses", NULL },
        { "age", NULL, get_age },
        { "next refresh", NULL, get_next_refresh },
        { "failing for", NULL, get_failing },
        { "last error", "error", NULL },
        { NULL, NULL, NULL },
    };

    print_fields(addresses, fields);
    print_table("sources", client_member(addresses, "sources"), sources);
    print_rules("used by", client_member(addresses, "rules"));
}

static void
print_rule(const struct json *rule)
{
    static const struct column fields[] = {
        { "rule", "text", NULL },
        { "id", "id", NULL },
        { "cookie", "cookie", NULL },
        { "written at", NULL, get_chain },
        { "description", "description", NULL },
        { NULL, NULL, NULL },
    };

    print_fields(rule, fields);
}

static void
print_bridge(const struct json *bridge)
{
    static const struct column fields[] = {
        { "bridge", "name", NULL },
        { "left alone", "untouched", NULL },
        { "error", "error", NULL },
        { "connected to the switch", "connected", NULL },
        { "all in force", "in_force", NULL },
        { "flows", "flows", NULL },
        { "flows of others", "foreign_flows", NULL },
        { "of these before ours", "bypassing_flows", NULL },
        { "flows of others in our tables", "misplaced_flows", NULL },
        { "revocations under way", "reviews", NULL },
        { "connections cut", "cut", NULL },
        { "bundles sent", "bundles", NULL },
        { "flow mods in them", "flow_mods", NULL },
        { "bundles refused", "refused", NULL },
        { "repairs of what others changed", "repairs", NULL },
        { NULL, NULL, NULL },
    };

    print_fields(bridge, fields);
}

/* Cookies of whatever kind, and what has no printer of its own: each member a
 * line, and rules as a table. */
static void
print_members(const struct json *thing)
{
    const struct shash_node **nodes = shash_sort(json_object(thing));
    size_t n = shash_count(json_object(thing));

    for (size_t i = 0; i < n; i++) {
        const struct json *value = nodes[i]->data;

        if (strcmp(nodes[i]->name, "rules")) {
            struct ds s = DS_EMPTY_INITIALIZER;

            put_value(value, ", ", &s);
            if (s.length) {
                printf("%s: %s\n", nodes[i]->name, ds_cstr(&s));
            }
            ds_destroy(&s);
        }
    }
    free(nodes);
    print_rules("rules", client_member(thing, "rules"));
}

void
render_thing(const struct json *thing)
{
    static const struct {
        const char *kind;
        void (*print)(const struct json *);
    } printers[] = {
        { "group", print_group },
        { "port", print_port },
        { "bridge", print_bridge },
        { "prefix_list", print_prefix_list },
        { "addresses", print_addresses },
        { "rule", print_rule },
    };
    char *kind = get_text(thing, "kind");

    /* A flow's cookie answers with a "kind", too, but not all about it; only a
     * rule has both a cookie and an identity. */
    if (!client_member(thing, "cookie") || client_member(thing, "id")) {
        for (size_t i = 0; i < ARRAY_SIZE(printers); i++) {
            if (!strcmp(kind, printers[i].kind)) {
                printers[i].print(thing);
                free(kind);
                return;
            }
        }
    }
    free(kind);
    print_members(thing);
}

/* Observations. */

char *
render_value(const struct json *object, const char *name)
{
    return get_text(object, name);
}

/* "tap1 (192.0.2.1)", or what is known of it. */
static char *
get_party(const struct json *flow, const char *name_key,
          const char *address_key)
{
    char *name = get_text(flow, name_key);
    char *address = get_text(flow, address_key);
    char *party = (*name && *address ? xasprintf("%s (%s)", name, address)
                   : *name ? xstrdup(name)
                   : *address ? xstrdup(address) : xstrdup("?"));

    free(name);
    free(address);
    return party;
}

static char *
get_from(const struct json *flow)
{
    return get_party(flow, "from", "from_address");
}

static char *
get_to(const struct json *flow)
{
    return get_party(flow, "to", "to_address");
}

/* "tcp 25", or "?". */
static char *
get_traffic(const struct json *flow)
{
    char *protocol = get_text(flow, "protocol");
    char *port = get_text(flow, "port");
    char *traffic = (*protocol ? xasprintf("%s%s%s", protocol,
                                           *port ? " " : "", port)
                     : xstrdup("?"));

    free(protocol);
    free(port);
    return traffic;
}

char *
render_talk(const struct json *flow)
{
    char *from = get_from(flow);
    char *to = get_to(flow);
    char *traffic = get_traffic(flow);
    char *talk = xasprintf("%s -> %s %s", from, to, traffic);

    free(from);
    free(to);
    free(traffic);
    return talk;
}

/* The flows with this verdict: a new array of their clones. */
static struct json *
select_flows(const struct json *flows, const char *verdict)
{
    struct json *selected = json_array_create_empty();
    size_t n = flows && flows->type == JSON_ARRAY ? json_array(flows)->n : 0;

    for (size_t i = 0; i < n; i++) {
        struct json *flow = json_array(flows)->elems[i];
        char *text = get_text(flow, "verdict");

        if (!strcmp(text, verdict)) {
            json_array_add(selected, json_clone(flow));
        }
        free(text);
    }
    return selected;
}

static void
print_flows(const char *title, const struct json *flows, bool denied)
{
    const struct column columns[] = {
        { "from", NULL, get_from },
        { "to", NULL, get_to },
        { "traffic", NULL, get_traffic },
        { "packets", "packets", NULL },
        { "seen in", "seen_in", NULL },
        { denied ? "why" : NULL, "why", NULL },
        { NULL, NULL, NULL },
    };

    print_table(title, flows, columns);
}

static char *
get_plan(const struct json *bridge)
{
    char *refused = get_text(bridge, "refused");

    if (*refused) {
        return refused;
    }
    free(refused);
    return xstrdup(!is_true(bridge, "enabled") && is_true(bridge, "secure")
                   ? "not enabled: only ports with groups of their own are "
                     "guarded"
                   : !is_true(bridge, "enabled")
                   ? "not enabled: nothing changes before `ovs-sgctl enable'"
                   : !is_true(bridge, "secure")
                   ? "enabled, but not fail_mode=secure: `ovs-sgctl enable' "
                     "sets it" : "enabled");
}

static char *
get_guarded_now(const struct json *port)
{
    return xstrdup(is_true(port, "enforced") ? "guarded" : "would be");
}

void
render_observation(const struct json *observation, bool sampled)
{
    static const struct column bridges[] = {
        { "bridge", "name", NULL },
        { "state", NULL, get_plan },
        { NULL, NULL, NULL },
    };
    static const struct column ports[] = {
        { "port", "name", NULL },
        { "bridge", "bridge", NULL },
        { "state", NULL, get_guarded_now },
        { "groups", "groups", NULL },
        { "addresses", "addresses", NULL },
        { "remark", "remark", NULL },
        { NULL, NULL, NULL },
    };
    const struct json *flows = client_member(observation, "flows");
    struct json *denied = select_flows(flows, "deny");
    struct json *unknown = select_flows(flows, "unknown");
    struct json *allowed = select_flows(flows, "allow");

    print_table(NULL, client_member(observation, "bridges"), bridges);
    print_table("ports", client_member(observation, "ports"), ports);
    print_flows("would be refused", denied, true);
    print_flows("cannot be told: too little of it is seen", unknown, false);
    printf("\n%"PRIuSIZE" flows seen of ports that are not guarded yet: "
           "%"PRIuSIZE" would pass, %"PRIuSIZE" would be refused, %"PRIuSIZE
           " cannot be told\n", json_array(allowed)->n
           + json_array(denied)->n + json_array(unknown)->n,
           json_array(allowed)->n, json_array(denied)->n,
           json_array(unknown)->n);
    if (json_array(unknown)->n && !sampled) {
        puts("`ovs-sgctl observe --sample=10' looks at packets for what the "
             "switch does not show");
    }
    json_destroy(denied);
    json_destroy(unknown);
    json_destroy(allowed);
}

void
render_lines(const struct json *array)
{
    if (array && array->type == JSON_ARRAY) {
        for (size_t i = 0; i < json_array(array)->n; i++) {
            struct ds s = DS_EMPTY_INITIALIZER;

            put_value(json_array(array)->elems[i], ", ", &s);
            puts(ds_cstr(&s));
            ds_destroy(&s);
        }
    }
}

void
render_notes(const struct json *answer, const char *name, const char *prefix)
{
    const struct json *notes = client_member(answer, name);

    fflush(stdout);
    for (size_t i = 0; notes && notes->type == JSON_ARRAY
         && i < json_array(notes)->n; i++) {
        const struct json *note = json_array(notes)->elems[i];

        if (note->type == JSON_STRING) {
            fprintf(stderr, "%s%s\n", prefix, json_string(note));
        }
    }
}

void
render_json(const struct json *json)
{
    char *s = json_to_string(json, JSSF_SORT);

    puts(s);
    free(s);
}
