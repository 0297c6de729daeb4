/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Ports that are admitted one by one, as rows and policies change, against all
 * of them admitted anew: the same after every step, and no port that says
 * something else goes unmentioned. */

#include <config.h>
#undef NDEBUG

#include "fixture.h"
#include "openvswitch/dynamic-string.h"
#include "sset.h"
#include "tap.h"
#include "util.h"

#define N_PORTS 12
#define N_WORLDS 200
#define N_STEPS 40

static const char *const policies[] = {
    "{'groups':[{'name':'web'},{'name':'db'}]}",
    "{'groups':[{'name':'web'}]}",
    "{'groups':[{'name':'web'},{'name':'db','network':'blue'}]}",
    ("{'groups':[{'name':'web'},{'name':'db'}],"
     "'binds':[{'groups':['db'],'name':'tap[0-3]'}]}"),
};

static uint32_t
roll(uint32_t *state, uint32_t n)
{
    *state = *state * 1103515245 + 12345;
    return (*state >> 16) % n;
}

/* What a port is like; 0: it is not there. */
static void
format_port(struct ds *s, int i, uint32_t kind)
{
    static const char *const ids[] = {
        "", "'sg-groups':'web',", "'sg-groups':'db',", "'sg-groups':'gone',",
        "'sg-groups':'web db','sg-network':'blue',"
    };
    uint32_t mac = kind / 5 % 4, more = kind / 20 % 3;

    ds_put_format(s, "%s{'name':'tap%d','uuid':"
                  "'00000000-0000-0000-0000-%012x','bridge':'br%d',"
                  "'ofport':%d,%s'external_ids':{%s",
                  s->string[s->length - 1] == '[' ? "" : ",", i,
                  (i * 7 + 3) % N_PORTS + 1, (int) (kind / 60 % 2),
                  kind / 120 % 3 ? i + 1 : -1,
                  kind / 360 % 2 ? "'tag':7," : "", ids[kind % 5]);
    if (mac) {
        ds_put_format(s, "'attached-mac':'02:00:00:00:00:0%"PRIu32, mac);
        if (more) {
            ds_put_format(s, " 02:00:00:00:00:1%"PRIu32, more);
        }
        ds_put_cstr(s, "',");
    }
    ds_put_cstr(s, "'x':''}}");
}

static void
make_facts(const uint32_t kinds[], bool enabled, struct sg_facts *facts)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_format(&s, "{'bridges':{'br0':{},'br1':{'external_ids':"
                  "{'sg-enable':'%s'}}},'ports':[",
                  enabled ? "true" : "false");
    for (int i = 0; i < N_PORTS; i++) {
        if (kinds[i]) {
            format_port(&s, i, kinds[i]);
        }
    }
    ds_put_cstr(&s, "]}");
    facts_from_text(ds_cstr(&s), facts);
    ds_destroy(&s);
}

struct world {
    uint32_t dice;
    uint32_t kinds[N_PORTS];
    bool enabled;               /* br1 is ours. */
    struct sg_policy *policies[ARRAY_SIZE(policies)];
    const struct sg_policy *policy;
    struct sg_facts facts;
    struct sg_ports ports;      /* Step by step. */
};

/* Changes something; says what is to be admitted again. */
static void
change(struct world *w, struct sset *names)
{
    const struct sg_policy *old = w->policy;
    struct sset groups = SSET_INITIALIZER(&groups);
    bool enabled = w->enabled, binds;

    for (uint32_t n = roll(&w->dice, 3) + 1; n; n--) {
        uint32_t i = roll(&w->dice, N_PORTS);
        char *name = xasprintf("tap%"PRIu32, i);

        w->kinds[i] = roll(&w->dice, 3) ? roll(&w->dice, 720) : 0;
        sset_add_and_free(names, name);
    }
    w->enabled ^= !roll(&w->dice, 6);
    w->policy = w->policies[roll(&w->dice, 4) ? 0
                            : roll(&w->dice, ARRAY_SIZE(policies))];
    binds = !sg_policy_same_binds(old, w->policy);
    sg_policy_find_moved_groups(old, w->policy, &groups);
    if (enabled != w->enabled || binds || !sset_is_empty(&groups)) {
        for (int i = 0; i < N_PORTS; i++) {
            sset_add_and_free(names, xasprintf("tap%d", i));
        }
    }
    sset_destroy(&groups);
    sg_facts_destroy(&w->facts);
    make_facts(w->kinds, w->enabled, &w->facts);
}

/* How many ports of 'a' are not the same in 'b', and not in 'but'? */
static int
count_differences(const struct sg_ports *a, const struct sg_ports *b,
                  const struct sset *but)
{
    const struct sg_port *port;
    int n = 0;

    HMAP_FOR_EACH (port, node, &a->ports) {
        const struct sg_port *other = sg_ports_find(b, port->name);

        if ((!other || !sg_port_equal(port, other))
            && !(but && sset_contains(but, port->name))) {
            printf("# %s: \"%s\" or \"%s\"\n", port->name,
                   port->error ? port->error : "",
                   other && other->error ? other->error : "");
            n++;
        }
    }
    return n;
}

static int
compare(const struct sg_ports *a, const struct sg_ports *b,
        const struct sset *but)
{
    return (count_differences(a, b, but) + count_differences(b, a, but)
            + (!but && (simap_get(&a->n_guarded, "br0")
                        != simap_get(&b->n_guarded, "br0")))
            + (!but && hmap_count(&a->claims) != hmap_count(&b->claims)));
}

static int
step(struct world *w)
{
    struct sset names = SSET_INITIALIZER(&names);
    struct sset changed = SSET_INITIALIZER(&changed);
    struct sg_ports scratch, before;
    const char *name;
    int n;

    sg_ports_init(&before);
    sg_ports_admit_all(&before, w->policy, NULL, &w->facts);
    change(w, &names);
    SSET_FOR_EACH (name, &names) {
        sg_ports_admit(&w->ports, w->policy, NULL, &w->facts, name,
                       &changed);
    }
    sg_ports_init(&scratch);
    sg_ports_admit_all(&scratch, w->policy, NULL, &w->facts);
    n = compare(&w->ports, &scratch, NULL);
    n += compare(&w->ports, &before, &changed);
    sg_ports_destroy(&scratch);
    sg_ports_destroy(&before);
    sset_destroy(&changed);
    sset_destroy(&names);
    return n;
}

static int
live(uint32_t number)
{
    struct world w = { .dice = number, .enabled = true };
    int n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
        w.policies[i] = policy_from_text(policies[i], NULL);
    }
    w.policy = w.policies[0];
    make_facts(w.kinds, w.enabled, &w.facts);
    sg_ports_init(&w.ports);
    for (int i = 0; i < N_STEPS && !n; i++) {
        n = step(&w);
        if (n) {
            printf("# world %"PRIu32", step %d\n", number, i);
        }
    }
    sg_ports_destroy(&w.ports);
    sg_facts_destroy(&w.facts);
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
        sg_policy_unref(w.policies[i]);
    }
    return n;
}

int
main(void)
{
    int n = 0;

    for (uint32_t i = 0; i < N_WORLDS && !n; i++) {
        n = live(i);
    }
    is_int(n, 0, "%d worlds of %d steps: as if admitted anew after each",
           N_WORLDS, N_STEPS);
    return done_testing();
}
