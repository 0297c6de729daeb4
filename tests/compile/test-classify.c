/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Classes, cells, and whether the flows mean what the rules say. */

#include <config.h>

#include "compile/compile.h"

#include <stdlib.h>

#include "bitmap.h"
#include "judge.h"
#include "openvswitch/dynamic-string.h"
#include "policy/eval.h"
#include "tap.h"
#include "util.h"
#include "world.h"

#define N_WORLDS 120

static const char *const bridges[] = { "br0", "br1" };

/* The class that the switch would find: that of the longest prefix. */
static const struct sg_class *
lookup_class(const struct sg_plan_network *net, enum sg_direction dir,
             const struct sg_prefix *address)
{
    const struct sg_address *a, *best = NULL;

    HMAP_FOR_EACH (a, node, &net->addresses[dir]) {
        if (a->class && sg_prefix_contains(&a->prefix, address)
            && (!best || a->prefix.plen > best->prefix.plen)) {
            best = a;
        }
    }
    return best ? best->class : NULL;
}

/* Does a profile of 'net' have a rule with 'peer'? */
static bool
network_names(const struct sg_plan_network *net, enum sg_direction dir,
              const struct sg_peer *peer)
{
    const struct sg_net_profile *np;

    HMAP_FOR_EACH (np, node, &net->profiles) {
        for (size_t j = 0; j < np->profile->n_groups; j++) {
            const struct sg_group *g = np->profile->groups[j]->group;

            for (size_t k = 0; k < g->n_rules[dir]; k++) {
                for (size_t m = 0; m < g->rules[dir][k]->n_peers; m++) {
                    if (sg_peer_equals(&g->rules[dir][k]->peers[m], peer)) {
                        return true;
                    }
                }
            }
        }
    }
    return false;
}

/* The class of an address is exactly the set of the peers that contain it, of
 * those that rules of the network name. */
static bool
class_is_right(const struct world *w, const struct sg_plan *plan,
               const struct sg_plan_network *net, enum sg_direction dir,
               const struct sg_prefix *address)
{
    const struct sg_class *class = lookup_class(net, dir, address);

    if (sg_plan_lookup(net, dir, address) != class) {
        printf("# network %s: sg_plan_lookup() says something else\n",
               net->name);
        return false;
    }
    for (size_t i = 0; i < plan->n_peers[dir]; i++) {
        bool got = class && bitmap_is_set(class->peers, i);
        if (!plan->peers[dir][i]) {
            ovs_assert(!got);
            continue;
        }

        const struct sg_peer *peer = &plan->peers[dir][i]->peer;
        bool want = (network_names(net, dir, peer)
                     && sg_peer_contains(w->policy, &w->ports, peer,
                                         net->name, address));

        if (got != want) {
            struct ds s = DS_EMPTY_INITIALIZER;

            sg_prefix_format(address, &s);
            ds_put_format(&s, " %s", got ? "is wrongly in " : "is not in ");
            sg_peer_format(peer, &s);
            printf("# network %s: %s\n", net->name, ds_cstr(&s));
            ds_destroy(&s);
            return false;
        }
    }
    return true;
}

static bool
is_classified(const struct sg_plan_network *net, enum sg_direction dir)
{
    const struct sg_net_profile *np;

    HMAP_FOR_EACH (np, node, &net->profiles) {
        if (np->profile->classify[dir]) {
            return true;
        }
    }
    return false;
}

static bool
classes_are_right(const struct world *w, const struct sg_plan *plan,
                  struct dice *d)
{
    const struct shash_node *node;
    bool good = true;

    SHASH_FOR_EACH (node, &plan->networks) {
        const struct sg_plan_network *net = node->data;

        for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
            for (int i = 0; i < 40 && is_classified(net, dir); i++) {
                struct sg_prefix address;

                dice_address(d, &address);
                good &= class_is_right(w, plan, net, dir, &address);
            }
            good &= (is_classified(net, dir)
                     || hmap_is_empty(&net->addresses[dir]));
        }
    }
    return good;
}

/* The class that 'a' would have without its own line. */
static const struct sg_class *
class_around(const struct sg_plan_network *net, enum sg_direction dir,
             const struct sg_address *a)
{
    const struct sg_address *b, *best = NULL;

    HMAP_FOR_EACH (b, node, &net->addresses[dir]) {

        if (b != a && b->class && sg_prefix_contains(&b->prefix, &a->prefix)
            && (!best || b->prefix.plen > best->prefix.plen)) {
            best = b;
        }
    }
    return best ? best->class : NULL;
}

/* Without any of the lines, its addresses would be in another class. */
static bool
lines_are_needed(const struct sg_plan *plan)
{
    const struct shash_node *node;
    bool good = true;

    SHASH_FOR_EACH (node, &plan->networks) {
        const struct sg_plan_network *net = node->data;

        for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
            const struct sg_address *a;

            HMAP_FOR_EACH (a, node, &net->addresses[dir]) {
                good &= !a->class || a->class != class_around(net, dir, a);
            }
        }
    }
    return good;
}

static bool
cell_has(const struct sg_cell *cell, const struct sg_fragment *frag)
{
    for (size_t i = 0; i < cell->n_fragments; i++) {
        if (cell->fragments[i] == frag) {
            return true;
        }
    }
    return false;
}

/* A cell has the fragments of its profile's groups with its class's peers,
 * all of them and no others. */
static bool
cell_is_right(enum sg_direction dir, const struct sg_cell *cell)
{
    size_t n = 0;

    for (size_t i = 0; i < cell->profile->n_groups; i++) {
        const struct sg_plan_group *pg = cell->profile->groups[i];

        for (size_t j = 0; j < pg->n_fragments[dir]; j++) {
            size_t peer = pg->peer_index[dir][j];
            bool wanted = (peer != SIZE_MAX
                           && bitmap_is_set(cell->class->peers, peer));

            n += wanted;
            if (wanted != cell_has(cell, pg->fragments[dir][j])) {
                return false;
            }
        }
    }
    return n == cell->n_fragments;
}

static bool
cells_are_right(const struct sg_plan *plan)
{
    bool good = true;

    for (int dir = 0; dir < SG_N_DIRECTIONS; dir++) {
        const struct sg_cell *cell, *other;

        HMAP_FOR_EACH (cell, node, &plan->cells[dir]) {
            good &= cell_is_right(dir, cell);
            HMAP_FOR_EACH (other, node, &plan->cells[dir]) {
                good &= cell == other || cell->profile != other->profile
                        || cell->class != other->class;
            }
        }
    }
    return good;
}

/* Is 'entry' of 'frag' a reason to allow it?  (Not the whole truth: that is
 * what the evaluator is for.) */
static bool
entry_fits(const struct world *w, const struct sg_plan_endpoint *ep,
           const struct question *q, const struct sg_fragment *frag,
           const struct sg_entry *entry)
{
    return ((entry->proto < 0 || entry->proto == q->spec.proto)
            && (entry->lo < 0
                || (q->spec.port >= entry->lo && q->spec.port <= entry->hi))
            && sg_peer_contains(w->policy, &w->ports, frag->peer,
                                ep->network->name, &q->spec.remote));
}

/* The number stands for an entry of one of the port's groups, which fits. */
static bool
number_fits(const struct world *w, const struct sg_plan_endpoint *ep,
            const struct question *q, uint32_t number)
{
    for (size_t i = 0; i < ep->profile->n_groups; i++) {
        const struct sg_plan_group *pg = ep->profile->groups[i];

        for (size_t j = 0; j < pg->n_fragments[q->dir]; j++) {
            const struct sg_fragment *frag = pg->fragments[q->dir][j];

            for (size_t k = 0; k < frag->n_entries; k++) {
                if (frag->entries[k].number == number) {
                    return entry_fits(w, ep, q, frag, &frag->entries[k]);
                }
            }
        }
    }
    return false;
}

static bool
answer_is_right(const struct world *w, const struct sg_flows *flows,
                const struct sg_plan_endpoint *ep, const struct question *q)
{
    uint32_t number = judge(flows, ep, q);
    const struct sg_rule *rule = eval(w, ep, q);

    if (!number == !rule
        && (!number || number_fits(w, ep, q, number))) {
        return true;
    }

    struct ds s = DS_EMPTY_INITIALIZER;
    question_format(q, &s);
    printf("# port %s network %s %s: flows say %u, rules say %s\n",
           ep->port->name, ep->network->name, ds_cstr(&s), number,
           rule ? rule->text : "no");
    ds_destroy(&s);
    return false;
}

static bool
answers_are_right(const struct world *w, const struct sg_plan *plan,
                  const struct sg_flows *flows, struct dice *d,
                  size_t *n_allowed, size_t *n_asked)
{
    bool good = true;

    const struct sg_plan_endpoint **eps = sg_plan_endpoints(plan);

    for (size_t i = 0; i < hmap_count(&plan->endpoints); i++) {
        for (int j = 0; j < 30; j++) {
            struct question q;

            dice_question(d, &q);
            good &= answer_is_right(w, flows, eps[i], &q);
            *n_allowed += eval(w, eps[i], &q) != NULL;
            ++*n_asked;
        }
    }
    free(eps);
    return good;
}

static void
test_random(void)
{
    bool classes = true, lines = true, cells = true, answers = true;
    size_t n_allowed = 0, n_asked = 0, n_cells = 0;
    struct dice d = { 7 };
    struct sg_flows flows;

    sg_flows_init(&flows);
    for (uint32_t i = 0; i < N_WORLDS; i++) {
        struct world_seed seed = world_seed(i);
        struct sg_compiler *c = test_compiler();
        struct world w;

        world_random(&w, &seed);
        for (size_t j = 0; j < ARRAY_SIZE(bridges); j++) {
            struct sg_plan *plan = world_plan(&w, c, bridges[j], &flows);

            classes &= classes_are_right(&w, plan, &d);
            lines &= lines_are_needed(plan);
            cells &= cells_are_right(plan);
            n_cells += hmap_count(&plan->cells[SG_INGRESS]);
            answers &= answers_are_right(&w, plan, &flows, &d, &n_allowed,
                                         &n_asked);
            sg_plan_destroy(plan);
        }
        sg_compiler_destroy(c);
        world_destroy(&w);
    }
    sg_flows_destroy(&flows);

    printf("# %zu cells; of %zu connections %zu are allowed\n", n_cells,
           n_asked, n_allowed);
    ok(classes, "%d random policies: the class of an address is the set of "
       "the peers that contain it", N_WORLDS);
    ok(lines, "... no line of the class tables is superfluous");
    ok(cells, "... cells have the fragments of their profile and class");
    ok(answers, "... the flows allow what the rules allow, and say by what");
    ok(n_allowed > n_asked / 10 && n_allowed < n_asked * 9 / 10,
       "... and these are worth asking");
}

/* "ADDRESS: KEY" of each line of network br0, a line each. */
static char *
lines(const char *policy, const char *facts)
{
    struct sg_compiler *c = test_compiler();
    struct ds s = DS_EMPTY_INITIALIZER;
    struct sg_plan *plan;
    struct world w;

    world_init(&w, policy, facts);
    plan = world_plan(&w, c, "br0", NULL);

    const struct sg_plan_network *net = shash_find_data(&plan->networks,
                                                        "br0");
    size_t n;
    const struct sg_address **list = sg_plan_addresses(net, SG_INGRESS, &n);

    for (size_t i = 0; i < n; i++) {
        const struct sg_address *a = list[i];

        sg_prefix_format(&a->prefix, &s);
        ds_put_format(&s, " %s\n", a->class ? a->class->key : "-");
    }
    free(list);
    sg_plan_destroy(plan);
    sg_compiler_destroy(c);
    world_destroy(&w);
    return ds_steal_cstr(&s);
}

#define PORT "{'ports':[{'name':'a','external_ids':{'sg-groups':'g'," \
             "'sg-addresses':'192.0.2.1'}}%s]}"

static void
is_lines(const char *policy, const char *more_ports, const char *want,
         const char *what)
{
    char *facts = xasprintf(PORT, more_ports);
    char *got = lines(policy, facts);

    is_str(got, want, "%s", what);
    free(got);
    free(facts);
}

static void
test_lines(void)
{
    is_lines("{'groups':[{'name':'g','ingress':["
             "{'word':'tcp','from':['10.0.0.0/8','10.1.0.0/16']}]}]}", "",
             "10.0.0.0/8 ingress: 10.0.0.0/8\n"
             "10.1.0.0/16 ingress: 10.0.0.0/8, 10.1.0.0/16\n",
             "a nested prefix is in both");
    is_lines("{'groups':[{'name':'g','ingress':["
             "{'word':'tcp','from':{'group':'g'}}]}],"
             "'members':[{'group':'g','entries':['10.0.0.0/8','10.1.1.1']}]}",
             "",
             "10.0.0.0/8 ingress: group g\n"
             "10.1.1.1 -\n"
             "192.0.2.1 ingress: group g\n",
             "a member inside a member needs no line");
    is_lines("{'groups':[{'name':'g','ingress':["
             "{'word':'tcp','from':['0.0.0.0/0','::/0']}]}]}", "",
             "0.0.0.0/0 ingress: 0.0.0.0/0\n::/0 ingress: ::/0\n",
             "::/0 is of IPv6 alone");
    is_lines("{'groups':[{'name':'g','ingress':["
             "{'word':'tcp','from':[{'group':'g'},{'group':'h'}]}]},"
             "{'name':'h'}]}",
             ",{'name':'b','external_ids':{'sg-groups':'h g',"
             "'sg-addresses':'192.0.2.2'}}"
             ",{'name':'c','external_ids':{'sg-groups':'h',"
             "'sg-addresses':'192.0.2.1','sg-network':'blue'}}",
             "192.0.2.1 ingress: group g\n"
             "192.0.2.2 ingress: group g, group h\n",
             "an address in two groups; one of another network");
    is_lines("{'groups':[{'name':'g','network':'br0','ingress':["
             "{'word':'tcp','from':[{'group':'h'},"
             "{'group':'h','network':'blue'}]}]},"
             "{'name':'h'},{'name':'g','network':'blue','ingress':["
             "{'word':'tcp','from':{'group':'g'}}]}],"
             "'members':[{'group':'h','network':'blue',"
             "'entries':['10.0.0.1']},"
             "{'group':'h','network':'br0','entries':['10.0.0.2']},"
             "{'group':'h','entries':['10.0.0.3']}]}",
             ",{'name':'b','external_ids':{'sg-groups':'g h',"
             "'sg-addresses':'10.0.0.4','sg-network':'blue'}}",
             "10.0.0.1 ingress: group blue/h\n"
             "10.0.0.2 ingress: group h\n"
             "10.0.0.3 ingress: group h, group blue/h\n"
             "10.0.0.4 ingress: group blue/h\n",
             "a group of another network, and the own one of its name");
    is_lines("{'groups':[{'name':'g','ingress':["
             "{'word':'tcp','from':{'prefix_list':'l'}},"
             "{'word':'udp','from':'10.0.0.0/8'}]}],"
             "'prefix_lists':[{'name':'l','entries':['10.0.0.0/8',"
             "'10.1.0.0/16','2001:db8::/32']}]}", "",
             "10.0.0.0/8 ingress: 10.0.0.0/8, prefix_list l\n"
             "10.1.0.0/16 -\n"
             "2001:db8::/32 ingress: prefix_list l\n",
             "a prefix list and a prefix");
    is_lines("{'groups':[{'name':'g','ingress':["
             "{'word':'tcp','from':{'addresses':'s'}},"
             "{'word':'udp','from':{'group':'h'}},"
             "{'word':'sctp','from':{'addresses':'none'}}]},{'name':'h'}],"
             "'addresses':[{'name':'s','file':'/s'},"
             "{'name':'none','file':'/none'}],"
             "'members':[{'group':'h','entries':['10.0.0.1',"
             "{'addresses':'s'}]}]}", "",
             "10.0.0.1 ingress: group h\n"
             "203.0.113.0/24 ingress: group h, addresses s\n"
             "203.0.113.7 -\n",
             "a set of addresses, as a peer and as members");
    is_lines("{'groups':[{'name':'g','ingress':["
             "{'word':'tcp','from':{'any':true}}]}],"
             "'members':[{'group':'g','entries':['10.0.0.0/8']}]}", "", "",
             "where no rule asks for addresses there are none");
    is_lines("{'groups':[{'name':'g','ingress':["
             "{'word':'tcp','from':{'group':'g'}}]}]}",
             ",{'name':'b','ofport':-1,'external_ids':{'sg-groups':'g',"
             "'sg-addresses':'192.0.2.9'}}"
             ",{'name':'c','bridge':'br9','external_ids':{'sg-groups':'g',"
             "'sg-addresses':'192.0.2.8','sg-network':'br0'}}"
             ",{'name':'d','external_ids':{'sg-groups':'g x',"
             "'sg-addresses':'192.0.2.7'}}",
             "192.0.2.1 ingress: group g\n192.0.2.8 ingress: group g\n"
             "192.0.2.9 ingress: group g\n",
             "ports of other bridges are members, those in error are not");
}

int
main(void)
{
    test_lines();
    test_random();
    return done_testing();
}
