/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "judge.h"

#include <netinet/in.h>

#include "compile/judge.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

uint32_t
judge(const struct sg_flows *flows, const struct sg_plan_endpoint *ep,
      const struct question *q)
{
    struct sg_judge *j = sg_judge_create(flows);
    uint32_t number = sg_judge_ask(j, ep, q->dir, &q->spec);

    sg_judge_destroy(j);
    if (number == SG_JUDGE_BROKEN) {
        ovs_fatal(0, "the flows that judge do something else");
    }
    return number;
}

const struct sg_rule *
eval(const struct world *w, const struct sg_plan_endpoint *ep,
     const struct question *q)
{
    return sg_eval(w->policy, &w->ports, ep->port, ep->endpoint, q->dir,
                   &q->spec);
}

void
dice_question(struct dice *d, struct question *q)
{
    static const int protos[] = {
        IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDP, IPPROTO_SCTP,
        IPPROTO_ICMP, IPPROTO_ICMPV6, 47,
    };
    static const int ports[] = { 0, 60, 67, 540, 1000, 65500, 30000 };
    static const int named[] = { 68, 546 };

    q->dir = dice_roll(d, 2) ? SG_INGRESS : SG_EGRESS;
    dice_address(d, &q->spec.remote);
    q->spec.proto = protos[dice_roll(d, ARRAY_SIZE(protos))];
    q->spec.code = -1;
    if (q->spec.proto == IPPROTO_ICMP || q->spec.proto == IPPROTO_ICMPV6) {
        q->spec.port = dice_roll(d, 5) ? dice_roll(d, 5) : 134;
        q->spec.code = dice_roll(d, 4);
    } else if (q->spec.proto == 47) {
        q->spec.port = -1;
    } else if (dice_roll(d, 5)) {
        q->spec.port = ports[dice_roll(d, ARRAY_SIZE(ports))];
        q->spec.port += dice_roll(d, 36);
    } else {
        q->spec.port = named[dice_roll(d, 2)];
    }
}

void
question_format(const struct question *q, struct ds *s)
{
    ds_put_format(s, "%s ", sg_direction_name(q->dir));
    sg_prefix_format(&q->spec.remote, s);
    ds_put_format(s, " protocol %d port %d code %d", q->spec.proto,
                  q->spec.port, q->spec.code);
}
