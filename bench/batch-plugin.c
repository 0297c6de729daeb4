/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* A plugin of a patched ovs-vswitchd (ovs-patches/) for bench/inside: how long
 * does one call of ofproto_flow_mod_batch() keep the main thread?
 *
 *     bench/batch BRIDGE FILE     adds the flows in FILE, in one batch; says
 *                                 how many, and how many microseconds */

#include <inttypes.h>
#include <stdlib.h>

#include "ofproto/ofproto-provider.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/plugin.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"

static void
free_flow_mods(struct ofputil_flow_mod *fms, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        minimatch_destroy(&fms[i].match);
        free(CONST_CAST(struct ofpact *, fms[i].ofpacts));
    }
    free(fms);
}

static char *
add_flows(struct ofproto *ofproto, const char *file)
{
    enum ofputil_protocol usable;
    struct ofputil_flow_mod *fms;
    size_t n, failed;
    char *reply = parse_ofp_flow_mod_file(file, NULL, NULL, OFPFC_ADD, &fms,
                                          &n, &usable);

    if (!reply) {
        long long int start = time_usec();
        enum ofperr error = ofproto_flow_mod_batch(ofproto, fms, n, &failed);
        long long int took = time_usec() - start;

        reply = (error ? xstrdup(ofperr_to_string(error))
                 : xasprintf("%"PRIuSIZE" %lld", n, took));
        free_flow_mods(fms, n);
    }
    return reply;
}

static void
bench_batch(struct unixctl_conn *conn, int argc OVS_UNUSED,
            const char *argv[], void *aux OVS_UNUSED)
{
    struct ofproto *ofproto = ofproto_lookup(argv[1]);
    char *reply = (ofproto ? add_flows(ofproto, argv[2])
                   : xstrdup("no such bridge"));

    unixctl_command_reply(conn, reply);
    free(reply);
}

static char *
batch_init(const struct ovs_plugin_context *context OVS_UNUSED,
           void **auxp OVS_UNUSED)
{
    unixctl_command_register("bench/batch", "bridge file", 2, 2, bench_batch,
                             NULL);
    return NULL;
}

static void
batch_destroy(void *aux OVS_UNUSED)
{
    unixctl_command_unregister("bench/batch");
}

__attribute__((visibility("default")))
const struct ovs_plugin ovs_plugin = {
    OVS_PLUGIN_HEADER,
    .name = "bench",
    .init = batch_init,
    .destroy = batch_destroy,
};
