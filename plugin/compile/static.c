/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* The flows that depend on neither policy nor ports, as one would type them
 * for ovs-ofctl(8), with shorthands: {NAME} is the number of a table, $NAME
 * the register of that name (pipeline.h), @ the zone of multicast, and ~ the
 * one where fragments wait.
 *
 * The trusted part stands by itself: it forwards for the host also when no
 * policy loads.
 *
 * A flow that somebody deletes by hand must not open anything until it is
 * back.  So what passes is matched, and what is refused finds no flow; where
 * OpenFlow cannot say it that way (it knows no "any protocol but TCP"), the
 * flow that refuses is there twice (guards[]). */

#include "compile/emit.h"

#include <ctype.h>

#include "compile/compile.h"
#include "compile/flow.h"
#include "compile/ids.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_static);

struct static_flow {
    uint8_t table;
    uint16_t priority;
    const char *match;
    const char *actions;
};

#define MULTICAST "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00"

/* Puts the addresses of an answer the way its question had them, and back.
 * What is written equals what was there, so the datapath need not set it. */
#define SWAP(A, B) "push:" A ",push:" B ",pop:" A ",pop:" B ","
#define SWAP_IP SWAP("NXM_OF_IP_SRC[]", "NXM_OF_IP_DST[]")
#define SWAP_IP6 SWAP("NXM_NX_IPV6_SRC[]", "NXM_NX_IPV6_DST[]")
#define SWAP_SCTP SWAP("OXM_OF_SCTP_SRC[]", "OXM_OF_SCTP_DST[]")

/* A number, or a fragment that nobody could judge. */
#define ALLOWED "$NUMBER=0x20000000/0x20000000"
#define UNJUDGED "$NUMBER=0x40000000"

/* A connection that nobody has committed, or that is cut. */
#define NOT_YET "ct_state=+new-est+trk,ct_mark=0/0x20000000"
#define NOT_NOW "ct_state=+new-est+trk,ct_mark=0x80000000/0x80000000"

/* The first fragment of a datagram waits for the others, and they lead it
 * on: see "Fragments" in pipeline.h. */
#define WAIT(TABLE) "ct(table={" TABLE "},zone=~)"
#define FRAGMENT_ON "clone(ct(table={FLOOD_FRAG},zone=@))"

/* SCTP, as ct_label has it: both ends may have asked. */
#define GUEST_ASKED "ct_label=2/2"
#define GUEST_SILENT "ct_label=0/2"
#define OTHERS_ASKED "ct_label=4/4"
#define OTHERS_SILENT "ct_label=0/4"

/* Behind egress: nothing of it is needed any more but EGNUM. */
#define EGRESS_DONE "load:0->$NUMBER[],load:0->$PROFILE[],load:0->$CLASS[]," \
    "load:0->$FRAG[],load:0->$FLAGS[],resubmit(,{L2})"

/* Established, by a rule that is known and has not been revoked. */
#define IN_FORCE "ct_mark=0x20000000/0xa0000000"

/* Puts the far end of a connection, as it began, where the tables of classes
 * look for it, asks TABLE, and puts back what was there.  (Of an error in the
 * direction of the first packet `move' does not take fields of conntrack.) */
#define ASK_OF(FIELD, END, TABLE) "push:" FIELD ",push:" END ",pop:" FIELD \
    ",resubmit(,{" TABLE "}),pop:" FIELD ","
#define ASK_EGRESS ASK_OF("NXM_OF_IP_DST[]", "NXM_NX_CT_NW_DST[]", "EG_JUDGE")
#define ASK_EGRESS6 ASK_OF("NXM_NX_IPV6_DST[]", "NXM_NX_CT_IPV6_DST[]", \
                           "EG_JUDGE")
#define ASK_INGRESS ASK_OF("NXM_OF_IP_SRC[]", "NXM_NX_CT_NW_SRC[]", \
                           "IN_PROFILE")
#define ASK_INGRESS6 ASK_OF("NXM_NX_IPV6_SRC[]", "NXM_NX_CT_IPV6_SRC[]", \
                            "IN_PROFILE")

static const struct static_flow trusted_flows[] = {
    /* Twice, like guards[]: others may have flows below. */
    { SG_T_INPUT, SG_PRIO_UNKNOWN, "", "drop" },
    { SG_T_INPUT, SG_PRIO_UNKNOWN_TOO, "", "drop" },

    /* Where no guarded MAC takes it, NORMAL forwards.  Multicast goes to the
     * trusted ports by NORMAL and to the guarded ones by FLOOD, which must
     * see in_port as it was: NORMAL first if the sender is trusted (the frame
     * is still as it came), last if it is guarded (OUT hides in_port). */
    /* Priority-tagged: a tag, but of no VLAN. */
    { SG_T_L2, 200, "$VLAN=0x1000", "load:0->$VLAN[],resubmit(,{L2})" },
    { SG_T_L2, 50, MULTICAST, "resubmit(,{L2_MULTI})" },
    { SG_T_L2, 0, "", "resubmit(,{COMMIT_SRC})" },
    { SG_T_L2_MULTI, 20, "$SRC=0", "NORMAL,resubmit(,{FLOOD})" },

    { SG_T_COMMIT_SRC, 100, "$EGNUM=0", "resubmit(,{COMMIT_DST})" },
    { SG_T_COMMIT_DST, 100, "$NUMBER=0", "resubmit(,{OUT})" },
    { SG_T_OUT, 20, "$SRC=0,$OUTPORT=0", "NORMAL" },
};

static const struct static_flow guarded_flows[] = {
    /* Anti-spoofing: what is the same for all guests. */
    /* (In a table of its own: in this one everybody's destination would be
     * compared with the broadcast address.) */
    { SG_T_SPOOF_L3, 100, "ip,nw_src=0.0.0.0", "resubmit(,{SPOOF_NONE})" },
    { SG_T_SPOOF_NONE, 100,
      "udp,nw_src=0.0.0.0,nw_dst=255.255.255.255,udp_src=68,udp_dst=67",
      "resubmit(,{EG_DISPATCH})" },
    { SG_T_SPOOF_L3, 100, "icmp6,ipv6_src=::,icmp_type=133",
      "resubmit(,{EG_DISPATCH})" },
    { SG_T_SPOOF_L3, 100, "icmp6,ipv6_src=::,icmp_type=143",
      "resubmit(,{EG_DISPATCH})" },
    { SG_T_SPOOF_L3, 100, "icmp6,ipv6_src=::,icmp_type=131",
      "resubmit(,{EG_DISPATCH})" },
    { SG_T_SPOOF_ND, 100, "icmp6,icmp_type=135,icmp_code=0,"
      "nd_sll=00:00:00:00:00:00",
      "load:2->$FLAGS[],resubmit(,{EG_DISPATCH})" },
    { SG_T_SPOOF_ND, 0, "", "resubmit(,{EG_DISPATCH})" },
    { SG_T_SPOOF_TLL, 100, "icmp6,icmp_type=136,icmp_code=0,"
      "nd_tll=00:00:00:00:00:00",
      "load:2->$FLAGS[],resubmit(,{EG_DISPATCH})" },

    /* Egress: what needs no rule. */
    { SG_T_EG_DISPATCH, 100, "arp", "resubmit(,{L2})" },
    { SG_T_EG_DISPATCH, 100, "rarp", "resubmit(,{L2})" },
    { SG_T_EG_DISPATCH, 100, "icmp6,icmp_type=133", "resubmit(,{L2})" },
    /* As SPOOF_ND has seen it. */
    { SG_T_EG_DISPATCH, 100, "icmp6,icmp_type=135,$FLAGS=2",
      "load:0->$FLAGS[],resubmit(,{L2})" },
    { SG_T_EG_DISPATCH, 100, "icmp6,icmp_type=136,$FLAGS=2",
      "load:0->$FLAGS[],resubmit(,{L2})" },
    { SG_T_EG_DISPATCH, 90, "icmp6,icmp_type=135", "drop" },
    { SG_T_EG_DISPATCH, 90, "icmp6,icmp_type=136", "drop" },
    { SG_T_EG_DISPATCH, 100, "icmp6,icmp_type=131," MULTICAST,
      "resubmit(,{L2})" },
    { SG_T_EG_DISPATCH, 100, "icmp6,icmp_type=132," MULTICAST,
      "resubmit(,{L2})" },
    { SG_T_EG_DISPATCH, 100, "icmp6,icmp_type=143," MULTICAST,
      "resubmit(,{L2})" },
    { SG_T_EG_DISPATCH, 100, "udp,udp_src=68,udp_dst=67," MULTICAST,
      "resubmit(,{L2})" },
    { SG_T_EG_DISPATCH, 100, "udp6,udp_src=546,udp_dst=547," MULTICAST,
      "resubmit(,{L2})" },
    /* Conntrack knows no router advertisements.  Redirects are a router's,
     * too, and nobody's business here. */
    { SG_T_EG_DISPATCH, 90, "icmp6,icmp_type=134",
      "resubmit(,{EG_STATELESS})" },
    { SG_T_EG_DISPATCH, 90, "icmp6,icmp_type=137", "drop" },
    { SG_T_EG_DISPATCH, 80, "ip," MULTICAST,
      "ct(table={EG_STATELESS},zone=@)" },
    { SG_T_EG_DISPATCH, 80, "ipv6," MULTICAST,
      "ct(table={EG_STATELESS},zone=@)" },
    { SG_T_EG_DISPATCH, 50, "ip", "ct(table={EG_CT},zone=$SRC[0..15])" },
    { SG_T_EG_DISPATCH, 50, "ipv6", "ct(table={EG_CT},zone=$SRC[0..15])" },

    { SG_T_EG_STATELESS, 50, "icmp6,icmp_type=134",
      "resubmit(,{EG_WHO}),resubmit(,{EG_JUDGE}),load:0->$EGNUM[],"
      "resubmit(,{EG_VERDICT})" },
    /* As in EG_CT.  The first one is judged when it has waited. */
    { SG_T_EG_STATELESS, 70, "ip,ip_frag=first,ct_zone=@,ct_state=-inv+trk",
      WAIT("EG_STATELESS") },
    { SG_T_EG_STATELESS, 70, "ipv6,ip_frag=first,ct_zone=@,ct_state=-inv+trk",
      WAIT("EG_STATELESS") },
    { SG_T_EG_STATELESS, 70, "ip,ip_frag=later,ct_zone=@,ct_state=-inv+trk",
      FRAGMENT_ON "," WAIT("EG_STATELESS") },
    { SG_T_EG_STATELESS, 70, "ipv6,ip_frag=later,ct_zone=@,ct_state=-inv+trk",
      FRAGMENT_ON "," WAIT("EG_STATELESS") },
    { SG_T_EG_STATELESS, 50, "ct_state=-inv+trk",
      "resubmit(,{EG_WHO}),resubmit(,{EG_JUDGE}),load:0->$EGNUM[],"
      "resubmit(,{EG_VERDICT})" },

    /* Egress: what conntrack says.  Reviews (review.c) sit at 110. */
    { SG_T_EG_CT, 150, NOT_YET, "resubmit(,{EG_WHO}),resubmit(,{EG_NEW})" },
    { SG_T_EG_CT, 150, NOT_NOW, "resubmit(,{EG_WHO}),resubmit(,{EG_NEW})" },
    { SG_T_EG_CT, 160, "ip,ip_frag=first," NOT_YET, WAIT("EG_CT") },
    { SG_T_EG_CT, 160, "ip,ip_frag=later," NOT_YET,
      "clone(resubmit(,{EG_NEW}))," WAIT("EG_CT") },
    { SG_T_EG_CT, 160, "ip,ip_frag=first," NOT_NOW, WAIT("EG_CT") },
    { SG_T_EG_CT, 160, "ip,ip_frag=later," NOT_NOW,
      "clone(resubmit(,{EG_NEW}))," WAIT("EG_CT") },
    { SG_T_EG_CT, 170, "ip,ip_frag=first,ct_zone=~,ct_state=-inv+trk",
      "resubmit(,{EG_WHO}),resubmit(,{EG_NEW})" },
    { SG_T_EG_CT, 160, "ipv6,ip_frag=first," NOT_YET, WAIT("EG_CT") },
    { SG_T_EG_CT, 160, "ipv6,ip_frag=later," NOT_YET,
      "clone(resubmit(,{EG_NEW}))," WAIT("EG_CT") },
    { SG_T_EG_CT, 160, "ipv6,ip_frag=first," NOT_NOW, WAIT("EG_CT") },
    { SG_T_EG_CT, 160, "ipv6,ip_frag=later," NOT_NOW,
      "clone(resubmit(,{EG_NEW}))," WAIT("EG_CT") },
    { SG_T_EG_CT, 170, "ipv6,ip_frag=first,ct_zone=~,ct_state=-inv+trk",
      "resubmit(,{EG_WHO}),resubmit(,{EG_NEW})" },
    { SG_T_EG_CT, 120, "ct_state=+est+trk,ct_mark=0x80000000/0x80000000",
      "resubmit(,{EG_REVIEW})" },
    { SG_T_EG_CT, 120, "ct_state=+est+trk,ct_mark=0/0x20000000",
      "resubmit(,{EG_REVIEW})" },
    /* A SYN of either end, if both open at once.  New TCP is compared with
     * that flag, and so is what is established because of this: then one mask
     * does for both. */
    { SG_T_EG_CT, 105, "tcp,tcp_flags=+syn-ack,ct_state=+est+trk," IN_FORCE,
      "resubmit(,{L2})" },
    { SG_T_EG_CT, 105, "tcp6,tcp_flags=+syn-ack,ct_state=+est+trk," IN_FORCE,
      "resubmit(,{L2})" },
    { SG_T_EG_CT, 100, "ct_state=+est+trk," IN_FORCE, "resubmit(,{L2})" },
    /* Open vSwitch calls datagrams new until one is answered.  Those of a
     * connection that is committed already were judged.  (Fragments go one
     */
    { SG_T_EG_CT, 105, "ip,ct_state=+new-inv+trk,ct_nw_proto=17," IN_FORCE,
      "resubmit(,{L2})" },
    { SG_T_EG_CT, 105, "ipv6,ct_state=+new-inv+trk,ct_nw_proto=17," IN_FORCE,
      "resubmit(,{L2})" },
    /* So is, for the kernel, a TCP connection that was let in mid-stream,
     * which may be after the time when that is allowed. */
    { SG_T_EG_CT, 105, "tcp,ip_frag=no,tcp_flags=-syn,ct_state=+new+trk,"
      IN_FORCE, "resubmit(,{L2})" },
    { SG_T_EG_CT, 105, "tcp6,ip_frag=no,tcp_flags=-syn,ct_state=+new+trk,"
      IN_FORCE, "resubmit(,{L2})" },
    { SG_T_EG_CT, 100, "ct_state=+new+trk," IN_FORCE,
      "resubmit(,{EG_WHO}),resubmit(,{EG_NEW})" },
    /* An error about a connection that drains, or (SCTP) whose ports it does
     * not tell, passes with it; about any other it is judged. */
    { SG_T_EG_CT, 95, "ct_state=+rel+trk,ct_mark=0x60000000/0xe0000000",
      "resubmit(,{L2})" },
    { SG_T_EG_CT, 95, "ip,ct_state=+rel-inv+trk,ct_nw_proto=132," IN_FORCE,
      "resubmit(,{L2})" },
    { SG_T_EG_CT, 95, "ipv6,ct_state=+rel-inv+trk,ct_nw_proto=132," IN_FORCE,
      "resubmit(,{L2})" },
    { SG_T_EG_CT, 90, "ct_state=+rel+trk", "resubmit(,{EG_REVIEW})" },

    { SG_T_EG_NEW, 110, "ip,ip_frag=later",
      "load:0x40000000->$NUMBER[],load:0x40000000->$EGNUM[],"
      "resubmit(,{EG_VERDICT})" },
    { SG_T_EG_NEW, 110, "ipv6,ip_frag=later",
      "load:0x40000000->$NUMBER[],load:0x40000000->$EGNUM[],"
      "resubmit(,{EG_VERDICT})" },
    { SG_T_EG_NEW, 100, "tcp,tcp_flags=+syn-ack",
      "resubmit(,{EG_JUDGE}),move:$NUMBER[]->$EGNUM[],"
      "resubmit(,{EG_VERDICT})" },
    { SG_T_EG_NEW, 100, "tcp6,tcp_flags=+syn-ack",
      "resubmit(,{EG_JUDGE}),move:$NUMBER[]->$EGNUM[],"
      "resubmit(,{EG_VERDICT})" },
    { SG_T_EG_NEW, 90, "udp,udp_src=68,udp_dst=67", "resubmit(,{L2})" },
    { SG_T_EG_NEW, 90, "udp6,udp_src=546,udp_dst=547", "resubmit(,{L2})" },
    { SG_T_EG_NEW, 0, "",
      "resubmit(,{EG_JUDGE}),move:$NUMBER[]->$EGNUM[],"
      "resubmit(,{EG_VERDICT})" },

    { SG_T_EG_JUDGE, 0, "", "resubmit(,{EG_PROFILE})" },
    { SG_T_EG_SERVER, 0, "", "resubmit(,{EG_PROFILE})" },

    /* NUMBER says whether; EGNUM, which COMMIT_SRC will write. */
    { SG_T_EG_VERDICT, 100, ALLOWED, EGRESS_DONE },
    { SG_T_EG_VERDICT, 100, UNJUDGED, EGRESS_DONE },

    /* If the other end has asked, an answer; failing that, a question.  The
     * first question makes a note of who asks. */
    { SG_T_EG_SCTP, 100, "sctp," OTHERS_ASKED, SWAP_IP SWAP_SCTP
      "resubmit(,{IN_PROFILE})," SWAP_IP SWAP_SCTP
      "resubmit(,{EG_SCTP_TOO})" },
    { SG_T_EG_SCTP, 100, "sctp6," OTHERS_ASKED, SWAP_IP6 SWAP_SCTP
      "resubmit(,{IN_PROFILE})," SWAP_IP6 SWAP_SCTP
      "resubmit(,{EG_SCTP_TOO})" },
    { SG_T_EG_SCTP, 50, "", "resubmit(,{EG_SCTP_TOO})" },
    { SG_T_EG_SCTP_TOO, 100, ALLOWED, EGRESS_DONE },
    { SG_T_EG_SCTP_TOO, 50, "$NUMBER=0," GUEST_SILENT,
      "resubmit(,{EG_JUDGE}),move:$NUMBER[]->$EGNUM[],"
      "resubmit(,{EG_VERDICT})" },
    { SG_T_EG_SCTP_TOO, 50, "$NUMBER=0," GUEST_ASKED,
      "resubmit(,{EG_JUDGE}),resubmit(,{EG_VERDICT})" },

    /* Established, but to be judged again: by the rules of the direction in
     * which it began.  An answer is turned round for that; its ports need not
     * be, because rules look at those of the original direction.  An ICMP
     * error may come from anybody on the way: in its place its connection is
     * judged, by the address that conntrack has for the far end. */
    { SG_T_EG_REVIEW, 100, "ip,ct_state=-rpl+rel+trk",
      "resubmit(,{EG_WHO})," ASK_EGRESS
      "resubmit(,{EG_VERDICT})" },
    { SG_T_EG_REVIEW, 100, "ipv6,ct_state=-rpl+rel+trk",
      "resubmit(,{EG_WHO})," ASK_EGRESS6
      "resubmit(,{EG_VERDICT})" },
    { SG_T_EG_REVIEW, 100, "ip,ct_state=+rpl+rel+trk",
      "resubmit(,{EG_WHO})," ASK_INGRESS
      "resubmit(,{EG_VERDICT})" },
    { SG_T_EG_REVIEW, 100, "ipv6,ct_state=+rpl+rel+trk",
      "resubmit(,{EG_WHO})," ASK_INGRESS6
      "resubmit(,{EG_VERDICT})" },
    { SG_T_EG_REVIEW, 95, "ct_state=+est+trk,ip,ip_frag=later",
      "load:0x40000000->$NUMBER[],load:0x40000000->$EGNUM[],"
      "resubmit(,{EG_VERDICT})" },
    { SG_T_EG_REVIEW, 95, "ct_state=+est+trk,ipv6,ip_frag=later",
      "load:0x40000000->$NUMBER[],load:0x40000000->$EGNUM[],"
      "resubmit(,{EG_VERDICT})" },
    { SG_T_EG_REVIEW, 90, "ct_state=+est-rpl+trk",
      "resubmit(,{EG_WHO}),resubmit(,{EG_JUDGE}),resubmit(,{EG_REVIEWED})" },
    /* Nobody has answered yet: datagrams are cut like what is established,
     * and for the rest it is as if it were the first packet. */
    { SG_T_EG_REVIEW, 85, "udp,ct_state=+new+trk,ip_frag=no",
      "resubmit(,{EG_WHO}),resubmit(,{EG_JUDGE}),"
      "resubmit(,{EG_REVIEWED})" },
    { SG_T_EG_REVIEW, 85, "udp6,ct_state=+new+trk,ip_frag=no",
      "resubmit(,{EG_WHO}),resubmit(,{EG_JUDGE}),"
      "resubmit(,{EG_REVIEWED})" },
    { SG_T_EG_REVIEW, 82, "ct_state=+new+trk",
      "resubmit(,{EG_WHO}),resubmit(,{EG_NEW})" },
    { SG_T_EG_REVIEW, 80, "ip,ct_state=+est+rpl+trk",
      "resubmit(,{EG_WHO})," SWAP_IP
      "resubmit(,{IN_PROFILE})," SWAP_IP "resubmit(,{EG_REVIEWED})" },
    { SG_T_EG_REVIEW, 80, "ipv6,ct_state=+est+rpl+trk",
      "resubmit(,{EG_WHO})," SWAP_IP6
      "resubmit(,{IN_PROFILE})," SWAP_IP6 "resubmit(,{EG_REVIEWED})" },

    { SG_T_EG_REVIEWED, 110,
      "$NUMBER=0,ct_mark=0x80000000/0x80000000", "drop" },
    /* A commit here would keep a fragment and hand it to those behind it. */
    { SG_T_EG_REVIEWED, 108, "ip,ip_frag=yes,$NUMBER=0", "drop" },
    { SG_T_EG_REVIEWED, 108, "ipv6,ip_frag=yes,$NUMBER=0", "drop" },
    { SG_T_EG_REVIEWED, 100, "ip,$NUMBER=0",
      "ct(commit,zone=$SRC[0..15],"
      "exec(set_field:0x80000000/0x80000000->ct_mark))" },
    { SG_T_EG_REVIEWED, 100, "ipv6,$NUMBER=0",
      "ct(commit,zone=$SRC[0..15],"
      "exec(set_field:0x80000000/0x80000000->ct_mark))" },
    { SG_T_EG_REVIEWED, 50, ALLOWED,
      "move:$NUMBER[]->$EGNUM[],resubmit(,{EG_VERDICT})" },

    /* Multicast from a guarded port; see trusted_flows. */
    { SG_T_L2_MULTI, 30, "rarp,$SRC=0", "NORMAL" },
    { SG_T_L2_MULTI, 10, "", "resubmit(,{FLOOD}),resubmit(,{OUT})" },
    /* NORMAL has had those of trusted ports. */
    { SG_T_FLOOD_FRAG, 100, "$SRC=0,ct_state=-inv+trk",
      "resubmit(,{FLOOD_VOTED})" },
    { SG_T_FLOOD_FRAG, 50, "ct_state=-inv+trk",
      "resubmit(,{FLOOD_VOTED}),resubmit(,{OUT})" },

    { SG_T_FLOOD, 10, "arp", "resubmit(,{FLOOD_ALL})" },
    { SG_T_FLOOD, 20, "icmp6,icmp_type=130", "resubmit(,{FLOOD_ALL})" },
    { SG_T_FLOOD, 20, "icmp6,icmp_type=133", "resubmit(,{FLOOD_ALL})" },
    { SG_T_FLOOD, 20, "icmp6,icmp_type=134", "resubmit(,{FLOOD_ALL})" },
    { SG_T_FLOOD, 20, "icmp6,icmp_type=135", "resubmit(,{FLOOD_ALL})" },
    { SG_T_FLOOD, 20, "icmp6,icmp_type=136", "resubmit(,{FLOOD_ALL})" },
    { SG_T_FLOOD, 20, "udp,udp_src=67,udp_dst=68",
      "resubmit(,{FLOOD_ALL})" },
    { SG_T_FLOOD, 12, "ct_state=+trk,ip", "resubmit(,{FLOOD_JUDGE})" },
    { SG_T_FLOOD, 12, "ct_state=+trk,ipv6", "resubmit(,{FLOOD_JUDGE})" },
    { SG_T_FLOOD, 10, "ip", "clone(ct(table={FLOOD_CT},zone=@))" },
    { SG_T_FLOOD, 10, "ipv6", "clone(ct(table={FLOOD_CT},zone=@))" },
    { SG_T_FLOOD_TURN, 10, "ip",
      "clone(ct(table={FLOOD_CT},zone=@))" },
    { SG_T_FLOOD_TURN, 10, "ipv6",
      "clone(ct(table={FLOOD_CT},zone=@))" },
    { SG_T_FLOOD_CT, 100, "ip,ip_frag=no,ct_state=-inv+trk",
      "resubmit(,{FLOOD_JUDGE})" },
    { SG_T_FLOOD_CT, 100, "ipv6,ip_frag=no,ct_state=-inv+trk",
      "resubmit(,{FLOOD_JUDGE})" },
    { SG_T_FLOOD_CT, 100, "ip,ip_frag=first,ct_zone=@,ct_state=-inv+trk",
      WAIT("FLOOD_CT") },
    { SG_T_FLOOD_CT, 100, "ipv6,ip_frag=first,ct_zone=@,ct_state=-inv+trk",
      WAIT("FLOOD_CT") },
    { SG_T_FLOOD_CT, 100, "ip,ip_frag=later,ct_zone=@,ct_state=-inv+trk",
      FRAGMENT_ON "," WAIT("FLOOD_CT") },
    { SG_T_FLOOD_CT, 100, "ipv6,ip_frag=later,ct_zone=@,ct_state=-inv+trk",
      FRAGMENT_ON "," WAIT("FLOOD_CT") },
    { SG_T_FLOOD_CT, 100, "ip,ip_frag=first,ct_zone=~,ct_state=-inv+trk",
      "resubmit(,{FLOOD_VOTE})," FRAGMENT_ON },
    { SG_T_FLOOD_CT, 100, "ipv6,ip_frag=first,ct_zone=~,ct_state=-inv+trk",
      "resubmit(,{FLOOD_VOTE})," FRAGMENT_ON },

    /* Ingress: what needs no rule. */
    { SG_T_IN, 100, "arp", "resubmit(,{OUT})" },
    { SG_T_IN, 100, "icmp6,icmp_type=133", "resubmit(,{OUT})" },
    { SG_T_IN, 100, "icmp6,icmp_type=134", "resubmit(,{OUT})" },
    { SG_T_IN, 100, "icmp6,icmp_type=135", "resubmit(,{OUT})" },
    { SG_T_IN, 100, "icmp6,icmp_type=136", "resubmit(,{OUT})" },
    { SG_T_IN, 50, "ip", "clone(ct(table={IN_CT},zone=$DST[0..15]))" },
    { SG_T_IN, 50, "ipv6", "clone(ct(table={IN_CT},zone=$DST[0..15]))" },

    { SG_T_IN_CT, 150, NOT_YET, "resubmit(,{IN_WHO}),resubmit(,{IN_NEW})" },
    { SG_T_IN_CT, 150, NOT_NOW, "resubmit(,{IN_WHO}),resubmit(,{IN_NEW})" },
    { SG_T_IN_CT, 160, "ip,ip_frag=first," NOT_YET, WAIT("IN_CT") },
    { SG_T_IN_CT, 160, "ip,ip_frag=later," NOT_YET,
      "clone(resubmit(,{IN_NEW}))," WAIT("IN_CT") },
    { SG_T_IN_CT, 160, "ip,ip_frag=first," NOT_NOW, WAIT("IN_CT") },
    { SG_T_IN_CT, 160, "ip,ip_frag=later," NOT_NOW,
      "clone(resubmit(,{IN_NEW}))," WAIT("IN_CT") },
    { SG_T_IN_CT, 170, "ip,ip_frag=first,ct_zone=~,ct_state=-inv+trk",
      "resubmit(,{IN_WHO}),resubmit(,{IN_NEW})" },
    { SG_T_IN_CT, 160, "ipv6,ip_frag=first," NOT_YET, WAIT("IN_CT") },
    { SG_T_IN_CT, 160, "ipv6,ip_frag=later," NOT_YET,
      "clone(resubmit(,{IN_NEW}))," WAIT("IN_CT") },
    { SG_T_IN_CT, 160, "ipv6,ip_frag=first," NOT_NOW, WAIT("IN_CT") },
    { SG_T_IN_CT, 160, "ipv6,ip_frag=later," NOT_NOW,
      "clone(resubmit(,{IN_NEW}))," WAIT("IN_CT") },
    { SG_T_IN_CT, 170, "ipv6,ip_frag=first,ct_zone=~,ct_state=-inv+trk",
      "resubmit(,{IN_WHO}),resubmit(,{IN_NEW})" },
    { SG_T_IN_CT, 120, "ct_state=+est+trk,ct_mark=0x80000000/0x80000000",
      "resubmit(,{IN_REVIEW})" },
    { SG_T_IN_CT, 120, "ct_state=+est+trk,ct_mark=0/0x20000000",
      "resubmit(,{IN_REVIEW})" },
    { SG_T_IN_CT, 105, "tcp,tcp_flags=+syn-ack,ct_state=+est+trk," IN_FORCE,
      "resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_CT, 105, "tcp6,tcp_flags=+syn-ack,ct_state=+est+trk," IN_FORCE,
      "resubmit(,{COMMIT_SRC})" },
    /* No packet: but what is established matches its MAC here because of it,
     * as it does behind EG_CT, and one mask does for both. */
    { SG_T_IN_CT, 101, "ct_state=+est+trk,dl_dst=ff:ff:ff:ff:ff:ff", "drop" },
    { SG_T_IN_CT, 100, "ct_state=+est+trk," IN_FORCE,
      "resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_CT, 105, "ip,ct_state=+new-inv+trk,ct_nw_proto=17," IN_FORCE,
      "resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_CT, 105, "ipv6,ct_state=+new-inv+trk,ct_nw_proto=17," IN_FORCE,
      "resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_CT, 105, "tcp,ip_frag=no,tcp_flags=-syn,ct_state=+new+trk,"
      IN_FORCE, "resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_CT, 105, "tcp6,ip_frag=no,tcp_flags=-syn,ct_state=+new+trk,"
      IN_FORCE, "resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_CT, 100, "ct_state=+new+trk," IN_FORCE,
      "resubmit(,{IN_WHO}),resubmit(,{IN_NEW})" },
    /* An error about a connection that drains, or (SCTP) whose ports it does
     * not tell, passes with it; about any other it is judged. */
    { SG_T_IN_CT, 95, "ct_state=+rel+trk,ct_mark=0x60000000/0xe0000000",
      "resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_CT, 95, "ip,ct_state=+rel-inv+trk,ct_nw_proto=132," IN_FORCE,
      "resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_CT, 95, "ipv6,ct_state=+rel-inv+trk,ct_nw_proto=132," IN_FORCE,
      "resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_CT, 90, "ct_state=+rel+trk", "resubmit(,{IN_REVIEW})" },

    { SG_T_IN_NEW, 110, "ip,ip_frag=later",
      "load:0x40000000->$NUMBER[],resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_NEW, 110, "ipv6,ip_frag=later",
      "load:0x40000000->$NUMBER[],resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_NEW, 100, "tcp,tcp_flags=+syn-ack",
      "resubmit(,{IN_PROFILE}),resubmit(,{IN_VERDICT})" },
    { SG_T_IN_NEW, 100, "tcp6,tcp_flags=+syn-ack",
      "resubmit(,{IN_PROFILE}),resubmit(,{IN_VERDICT})" },
    { SG_T_IN_NEW, 90, "udp,udp_src=67,udp_dst=68",
      "resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_NEW, 90, "udp6,udp_src=547,udp_dst=546",
      "resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_NEW, 0, "",
      "resubmit(,{IN_PROFILE}),resubmit(,{IN_VERDICT})" },
    { SG_T_IN_SCTP, 100, "sctp," GUEST_ASKED, SWAP_IP SWAP_SCTP
      "resubmit(,{EG_JUDGE})," SWAP_IP SWAP_SCTP
      "resubmit(,{IN_SCTP_TOO})" },
    { SG_T_IN_SCTP, 100, "sctp6," GUEST_ASKED, SWAP_IP6 SWAP_SCTP
      "resubmit(,{EG_JUDGE})," SWAP_IP6 SWAP_SCTP
      "resubmit(,{IN_SCTP_TOO})" },
    { SG_T_IN_SCTP, 50, "", "resubmit(,{IN_SCTP_TOO})" },
    { SG_T_IN_SCTP_TOO, 100, ALLOWED,
      "load:0->$NUMBER[],resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_SCTP_TOO, 50, "$NUMBER=0",
      "resubmit(,{IN_PROFILE}),resubmit(,{IN_VERDICT})" },
    { SG_T_IN_VERDICT, 110, "sctp,ct_state=-new+trk," OTHERS_SILENT ","
      ALLOWED, "resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_VERDICT, 110, "sctp6,ct_state=-new+trk," OTHERS_SILENT ","
      ALLOWED, "resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_VERDICT, 100, "ct_state=+new+trk," ALLOWED,
      "resubmit(,{COMMIT_SRC})" },
    /* Not a new connection: nothing to commit. */
    { SG_T_IN_VERDICT, 100, "ct_state=-new+trk," ALLOWED,
      "load:0->$NUMBER[],resubmit(,{COMMIT_SRC})" },

    { SG_T_IN_REVIEW, 100, "ip,ct_state=+rpl+rel+trk",
      "resubmit(,{IN_WHO})," ASK_EGRESS
      "resubmit(,{IN_VERDICT})" },
    { SG_T_IN_REVIEW, 100, "ipv6,ct_state=+rpl+rel+trk",
      "resubmit(,{IN_WHO})," ASK_EGRESS6
      "resubmit(,{IN_VERDICT})" },
    { SG_T_IN_REVIEW, 100, "ip,ct_state=-rpl+rel+trk",
      "resubmit(,{IN_WHO})," ASK_INGRESS
      "resubmit(,{IN_VERDICT})" },
    { SG_T_IN_REVIEW, 100, "ipv6,ct_state=-rpl+rel+trk",
      "resubmit(,{IN_WHO})," ASK_INGRESS6
      "resubmit(,{IN_VERDICT})" },
    { SG_T_IN_REVIEW, 95, "ct_state=+est+trk,ip,ip_frag=later",
      "load:0x40000000->$NUMBER[],resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_REVIEW, 95, "ct_state=+est+trk,ipv6,ip_frag=later",
      "load:0x40000000->$NUMBER[],resubmit(,{COMMIT_SRC})" },
    { SG_T_IN_REVIEW, 90, "ct_state=+est-rpl+trk",
      "resubmit(,{IN_WHO}),resubmit(,{IN_PROFILE}),"
      "resubmit(,{IN_REVIEWED})" },
    { SG_T_IN_REVIEW, 85, "udp,ct_state=+new+trk,ip_frag=no",
      "resubmit(,{IN_WHO}),resubmit(,{IN_PROFILE}),"
      "resubmit(,{IN_REVIEWED})" },
    { SG_T_IN_REVIEW, 85, "udp6,ct_state=+new+trk,ip_frag=no",
      "resubmit(,{IN_WHO}),resubmit(,{IN_PROFILE}),"
      "resubmit(,{IN_REVIEWED})" },
    { SG_T_IN_REVIEW, 82, "ct_state=+new+trk",
      "resubmit(,{IN_WHO}),resubmit(,{IN_NEW})" },
    { SG_T_IN_REVIEW, 80, "ip,ct_state=+est+rpl+trk",
      "resubmit(,{IN_WHO})," SWAP_IP
      "resubmit(,{EG_JUDGE})," SWAP_IP "resubmit(,{IN_REVIEWED})" },
    { SG_T_IN_REVIEW, 80, "ipv6,ct_state=+est+rpl+trk",
      "resubmit(,{IN_WHO})," SWAP_IP6
      "resubmit(,{EG_JUDGE})," SWAP_IP6 "resubmit(,{IN_REVIEWED})" },

    { SG_T_IN_REVIEWED, 110,
      "$NUMBER=0,ct_mark=0x80000000/0x80000000", "drop" },
    { SG_T_IN_REVIEWED, 108, "ip,ip_frag=yes,$NUMBER=0", "drop" },
    { SG_T_IN_REVIEWED, 108, "ipv6,ip_frag=yes,$NUMBER=0", "drop" },
    { SG_T_IN_REVIEWED, 100, "ip,$NUMBER=0",
      "ct(commit,zone=$DST[0..15],"
      "exec(set_field:0x80000000/0x80000000->ct_mark))" },
    { SG_T_IN_REVIEWED, 100, "ipv6,$NUMBER=0",
      "ct(commit,zone=$DST[0..15],"
      "exec(set_field:0x80000000/0x80000000->ct_mark))" },
    { SG_T_IN_REVIEWED, 50, ALLOWED, "resubmit(,{COMMIT_SRC})" },

    /* Both verdicts are in.  Never go on behind a ct() without a look at what
     * comes out of it: when fragments expire whose others never came, Open
     * vSwitch's userspace hands them, untracked and invalid, to whatever
     * packet is in a ct() at the time, to go the way of that one.  (Hence also
     * clone() around a ct() that another bridge's NORMAL may bring a frame to,
     * over a patch port, in the midst of its own outputs.  Where nothing
     * follows, it costs nothing.)  A whole packet for a zone that is never
     * full need not look: it commits a copy of itself, behind which nothing
     * follows, and goes on with what it was. */
    { SG_T_COMMIT_SRC, 60, "ip,$EGNUM=0x40000000",
      "clone(ct(commit,zone=$SRC[0..15],table={DONE_SRC},"
      "exec(set_field:1/1->ct_label)))" },
    { SG_T_COMMIT_SRC, 60, "ipv6,$EGNUM=0x40000000",
      "clone(ct(commit,zone=$SRC[0..15],table={DONE_SRC},"
      "exec(set_field:1/1->ct_label)))" },
    { SG_T_COMMIT_SRC, 55, "sctp",
      "clone(ct(commit,zone=$SRC[0..15],table={DONE_SRC},"
      "exec(move:$EGNUM[]->NXM_NX_CT_MARK[],set_field:2/2->ct_label)))" },
    { SG_T_COMMIT_SRC, 55, "sctp6",
      "clone(ct(commit,zone=$SRC[0..15],table={DONE_SRC},"
      "exec(move:$EGNUM[]->NXM_NX_CT_MARK[],set_field:2/2->ct_label)))" },
    { SG_T_COMMIT_SRC, 50, "ip,ip_frag=no,$ROOM=1/1",
      "clone(ct(commit,zone=$SRC[0..15],"
      "exec(move:$EGNUM[]->NXM_NX_CT_MARK[]))),resubmit(,{COMMIT_DST})" },
    { SG_T_COMMIT_SRC, 50, "ipv6,ip_frag=no,$ROOM=1/1",
      "clone(ct(commit,zone=$SRC[0..15],"
      "exec(move:$EGNUM[]->NXM_NX_CT_MARK[]))),resubmit(,{COMMIT_DST})" },
    { SG_T_COMMIT_SRC, 40, "ip",
      "clone(ct(commit,zone=$SRC[0..15],table={DONE_SRC},"
      "exec(move:$EGNUM[]->NXM_NX_CT_MARK[])))" },
    { SG_T_COMMIT_SRC, 40, "ipv6",
      "clone(ct(commit,zone=$SRC[0..15],table={DONE_SRC},"
      "exec(move:$EGNUM[]->NXM_NX_CT_MARK[])))" },
    { SG_T_DONE_SRC, 100, "ct_state=-inv+trk,ct_mark=0x20000000/0x20000000",
      "resubmit(,{COMMIT_DST})" },
    { SG_T_DONE_SRC, 90, "ct_state=-inv+trk,ct_label=1/1",
      "resubmit(,{COMMIT_DST})" },
    { SG_T_COMMIT_DST, 60, "ip,$NUMBER=0x40000000",
      "clone(ct(commit,zone=$DST[0..15],table={DONE_DST},"
      "exec(set_field:1/1->ct_label)))" },
    { SG_T_COMMIT_DST, 60, "ipv6,$NUMBER=0x40000000",
      "clone(ct(commit,zone=$DST[0..15],table={DONE_DST},"
      "exec(set_field:1/1->ct_label)))" },
    { SG_T_COMMIT_DST, 55, "sctp",
      "clone(ct(commit,zone=$DST[0..15],table={DONE_DST},"
      "exec(move:$NUMBER[]->NXM_NX_CT_MARK[],set_field:4/4->ct_label)))" },
    { SG_T_COMMIT_DST, 55, "sctp6",
      "clone(ct(commit,zone=$DST[0..15],table={DONE_DST},"
      "exec(move:$NUMBER[]->NXM_NX_CT_MARK[],set_field:4/4->ct_label)))" },
    { SG_T_COMMIT_DST, 50, "ip,ip_frag=no,$ROOM=2/2",
      "clone(ct(commit,zone=$DST[0..15],"
      "exec(move:$NUMBER[]->NXM_NX_CT_MARK[]))),resubmit(,{OUT})" },
    { SG_T_COMMIT_DST, 50, "ipv6,ip_frag=no,$ROOM=2/2",
      "clone(ct(commit,zone=$DST[0..15],"
      "exec(move:$NUMBER[]->NXM_NX_CT_MARK[]))),resubmit(,{OUT})" },
    { SG_T_COMMIT_DST, 40, "ip",
      "clone(ct(commit,zone=$DST[0..15],table={DONE_DST},"
      "exec(move:$NUMBER[]->NXM_NX_CT_MARK[])))" },
    { SG_T_COMMIT_DST, 40, "ipv6",
      "clone(ct(commit,zone=$DST[0..15],table={DONE_DST},"
      "exec(move:$NUMBER[]->NXM_NX_CT_MARK[])))" },
    { SG_T_DONE_DST, 100, "ct_state=-inv+trk,ct_mark=0x20000000/0x20000000",
      "resubmit(,{OUT})" },
    { SG_T_DONE_DST, 90, "ct_state=-inv+trk,ct_label=1/1",
      "resubmit(,{OUT})" },

    /* A guarded sender enters NORMAL without a port, so that NORMAL learns
     * nothing from it (no MAC, no multicast group) that could make it choose
     * a guarded port by itself.  The tag is what the port's would have been. */
    { SG_T_OUT, 10, "$OUTPORT=0",
      "move:$VLAN[0..15]->NXM_OF_VLAN_TCI[],"
      "load:0xffff->NXM_OF_IN_PORT[],NORMAL" },
    { SG_T_OUT, 20, "$OUTPORT=0x10000/0x10000",
      "move:$VLAN[0..15]->NXM_OF_VLAN_TCI[],output:$OUTPORT[0..15]" },
    { SG_T_OUT, 0, "$OUTPORT=0/0x10000",
      "load:0->NXM_OF_VLAN_TCI[],output:$OUTPORT[0..15]" },
};

/* What refuses, or leads to a stricter judgment, although a flow below would
 * do for the packet: each is there at its priority and at the one below. */
static const struct static_flow guards[] = {
    /* A multicast TCP segment is nobody's business. */
    { SG_T_EG_STATELESS, 100, "tcp", "drop" },
    { SG_T_EG_STATELESS, 100, "tcp6", "drop" },
    { SG_T_FLOOD, 15, "tcp", "drop" },
    { SG_T_FLOOD, 15, "tcp6", "drop" },

    /* The copies of fragments that have led their first one on. */
    { SG_T_EG_CT, 180, "ip,ip_frag=later,ct_zone=~", "drop" },
    { SG_T_EG_CT, 180, "ipv6,ip_frag=later,ct_zone=~", "drop" },
    { SG_T_IN_CT, 180, "ip,ip_frag=later,ct_zone=~", "drop" },
    { SG_T_IN_CT, 180, "ipv6,ip_frag=later,ct_zone=~", "drop" },
    { SG_T_EG_STATELESS, 90, "ip,ip_frag=later,ct_zone=~", "drop" },
    { SG_T_EG_STATELESS, 90, "ipv6,ip_frag=later,ct_zone=~", "drop" },

    /* The first fragment of a guest's multicast; others have gone ahead. */
    { SG_T_L2_MULTI, 15, "ip,ip_frag=first,ct_state=-inv+trk",
      "resubmit(,{FLOOD_VOTE})," FRAGMENT_ON },
    { SG_T_L2_MULTI, 15, "ip,ip_frag=later", "drop" },
    { SG_T_L2_MULTI, 15, "ipv6,ip_frag=first,ct_state=-inv+trk",
      "resubmit(,{FLOOD_VOTE})," FRAGMENT_ON },
    { SG_T_L2_MULTI, 15, "ipv6,ip_frag=later", "drop" },

    /* TCP begins with a SYN. */
    { SG_T_EG_NEW, 90, "tcp", "drop" },
    { SG_T_EG_NEW, 90, "tcp6", "drop" },
    { SG_T_IN_NEW, 90, "tcp", "drop" },
    { SG_T_IN_NEW, 90, "tcp6", "drop" },

    { SG_T_EG_CT, 130, "ct_state=+est+trk,sctp",
      "resubmit(,{EG_WHO}),resubmit(,{EG_SCTP})" },
    { SG_T_EG_CT, 130, "ct_state=+est+trk,sctp6",
      "resubmit(,{EG_WHO}),resubmit(,{EG_SCTP})" },
    { SG_T_IN_CT, 130, "ct_state=+est+trk,sctp",
      "resubmit(,{IN_WHO}),resubmit(,{IN_SCTP})" },
    { SG_T_IN_CT, 130, "ct_state=+est+trk,sctp6",
      "resubmit(,{IN_WHO}),resubmit(,{IN_SCTP})" },

    /* A guest is no DHCP server and no router unless a rule names it.  (In two
     * steps, or all UDP would be compared with all bits of the port, and each
     * port that a guest sends to would take a datapath flow of its own.) */
    { SG_T_EG_JUDGE, 100, "ip,ct_state=+trk-inv,ct_nw_proto=17,"
      "ct_tp_dst=0/0xfc00", "resubmit(,{EG_SERVER})" },
    { SG_T_EG_JUDGE, 100, "ipv6,ct_state=+trk-inv,ct_nw_proto=17,"
      "ct_tp_dst=0/0xfc00", "resubmit(,{EG_SERVER})" },
    { SG_T_EG_SERVER, 100, "ip,ct_state=+trk-inv,ct_nw_proto=17,ct_tp_dst=68",
      "load:1->$FLAGS[],resubmit(,{EG_PROFILE})" },
    { SG_T_EG_SERVER, 100, "ipv6,ct_state=+trk-inv,ct_nw_proto=17,"
      "ct_tp_dst=546",
      "load:1->$FLAGS[],resubmit(,{EG_PROFILE})" },
    { SG_T_EG_JUDGE, 100, "icmp6,icmp_type=134",
      "load:1->$FLAGS[],resubmit(,{EG_PROFILE})" },
};

static const struct {
    const char *name;
    int number;
} tables[] = {
#define SG_TABLE(NAME, NUMBER) { #NAME, NUMBER },
    SG_TABLES
#undef SG_TABLE
}, registers[] = {
#define SG_REGISTER(NAME, NUMBER) { #NAME, NUMBER },
    SG_REGISTERS
#undef SG_REGISTER
};

/* Appends the number of the table whose name begins at 'p'; returns where the
 * name ends. */
static const char *
expand_table(const char *p, struct ds *s)
{
    size_t n = strcspn(p, "}");

    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        if (strlen(tables[i].name) == n && !memcmp(tables[i].name, p, n)) {
            ds_put_format(s, "%d", tables[i].number);
            return p + n + 1;
        }
    }
    OVS_NOT_REACHED();
}

/* A register is "regN" in matches, "NXM_NX_REGN" where it has bits. */
static const char *
expand_register(const char *p, struct ds *s)
{
    size_t n = 0;

    while (isupper((unsigned char) p[n])) {
        n++;
    }
    for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
        if (strlen(registers[i].name) == n
            && !memcmp(registers[i].name, p, n)) {
            ds_put_format(s, p[n] == '[' ? "NXM_NX_REG%d" : "reg%d",
                          registers[i].number);
            return p + n;
        }
    }
    OVS_NOT_REACHED();
}

static void
expand(const struct emitter *e, const char *p, struct ds *s)
{
    while (*p) {
        if (*p == '{') {
            p = expand_table(p + 1, s);
        } else if (*p == '$') {
            p = expand_register(p + 1, s);
        } else if (*p == '@' || *p == '~') {
            ds_put_format(s, "%d", *p == '~' ? e->waiting_zone
                                   : e->multicast ? (int) e->multicast->id
                                   : 0);
            p++;
        } else {
            ds_put_char(s, *p++);
        }
    }
}

static void
emit_static_flow(struct emitter *e, const struct static_flow *flow,
                 uint16_t priority)
{
    enum ofputil_protocol usable;
    struct ofputil_flow_mod fm;
    struct ds s = DS_EMPTY_INITIALIZER;

    expand(e, flow->match, &s);
    ds_put_format(&s, "%sactions=", s.length ? "," : "");
    expand(e, flow->actions, &s);

    char *error = parse_ofp_str(&fm, OFPFC_ADD, ds_cstr(&s), NULL, NULL,
                                &usable);
    if (error) {
        VLOG_FATAL("%s: %s", ds_cstr(&s), error);
    }
    emit_begin(e);
    minimatch_expand(&fm.match, &e->match);
    ofpbuf_put(&e->actions, fm.ofpacts, fm.ofpacts_len);
    emit_flow(e, flow->table, priority,
              sg_cookie(SG_COOKIE_STATIC, flow->table));
    minimatch_destroy(&fm.match);
    free(CONST_CAST(struct ofpact *, fm.ofpacts));
    ds_destroy(&s);
}

void
sg_emit_static_trusted(struct emitter *e)
{
    for (size_t i = 0; i < ARRAY_SIZE(trusted_flows); i++) {
        emit_static_flow(e, &trusted_flows[i], trusted_flows[i].priority);
    }
}

/* So that an agent that starts anew uses the same zone. */
static void
emit_multicast_zone(struct emitter *e)
{
    if (e->multicast) {
        emit_begin(e);
        emit_match_reg(e, SG_R_SRC, e->multicast->id);
        emit_flow(e, SG_T_NAMES, 0,
                  sg_cookie(SG_COOKIE_FLOOD, e->multicast->identity));
    }
}

void
sg_emit_static(struct emitter *e)
{
    emit_multicast_zone(e);
    for (size_t i = 0; i < ARRAY_SIZE(guarded_flows); i++) {
        emit_static_flow(e, &guarded_flows[i], guarded_flows[i].priority);
    }
    for (size_t i = 0; i < ARRAY_SIZE(guards); i++) {
        emit_static_flow(e, &guards[i], guards[i].priority);
        emit_static_flow(e, &guards[i], guards[i].priority - 1);
    }
}
