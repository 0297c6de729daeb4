/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* The flows that depend on neither policy nor ports, as one would type them
 * for ovs-ofctl(8), with shorthands: {NAME} is the number of a table, $NAME
 * the register of that name (pipeline.h), @ the zone of multicast, and ~ the
 * one where fragments wait.
 *
 * What both sides or both families have alike stands here once, and makes two
 * flows or four:
 *
 *     <A|B>  A for egress, B for ingress
 *     *      <EG|IN>
 *     <A:B>  A for IPv4, B for IPv6
 *     6?     <:6>, so that tcp6? is tcp and tcp6
 *
 * A flow is for both sides if its table says so, and for both families if its
 * match has a question mark.
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
    const char *table;
    uint16_t priority;
    const char *match;
    const char *actions;
};

#define MULTICAST "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00"

/* The zone of the guest, and what a commit there writes. */
#define ZONE "zone=$<SRC|DST>[0..15]"
#define COMMITTED "$<EGNUM|NUMBER>"

/* Puts the addresses of an answer the way its question had them, and back.
 * What is written equals what was there, so the datapath need not set it. */
#define SWAP(A, B) "push:" A ",push:" B ",pop:" A ",pop:" B ","
#define SWAP_IP SWAP("<ip:ipv6>_src", "<ip:ipv6>_dst")
#define SWAP_SCTP SWAP("sctp_src", "sctp_dst")

/* Asks the rules of this direction; of the other one. */
#define JUDGE "resubmit(,{<EG_JUDGE|IN_PROFILE>}),"
#define JUDGE_OTHER "resubmit(,{<IN_PROFILE|EG_JUDGE>}),"

/* Asks them about what is not tracked. */
#define JUDGE_STATELESS "resubmit(,{EG_WHO}),resubmit(,{EG_JUDGE})," \
    "load:0->$EGNUM[],resubmit(,{EG_VERDICT})"

/* Asks those of egress or ingress about the connection of an ICMP error: puts
 * its far end, as it began, where the tables of classes look for it, and puts
 * back what was there.  (Of an error in the direction of the first packet
 * `move' does not take fields of conntrack.) */
#define JUDGE_END(END, TABLE) \
    "push:<ip:ipv6>_" END ",push:ct_<nw:ipv6>_" END ",pop:<ip:ipv6>_" END \
    ",resubmit(,{" TABLE "}),pop:<ip:ipv6>_" END ","
#define JUDGE_EGRESS JUDGE_END("dst", "EG_JUDGE")
#define JUDGE_INGRESS JUDGE_END("src", "IN_PROFILE")

/* A number, or a fragment that nobody could judge. */
#define ALLOWED "$NUMBER=0x20000000/0x20000000"
#define UNJUDGED "$NUMBER=0x40000000"

/* A connection that nobody has committed; that somebody has; that is cut;
 * that has a number and is not cut. */
#define NOT_YET "ct_mark=0/0x20000000"
#define ONCE "ct_mark=0x20000000/0x20000000"
#define NOT_NOW "ct_mark=0x80000000/0x80000000"
#define IN_FORCE "ct_mark=0x20000000/0xa0000000"
#define NEW "ct_state=+new-est+trk,"
#define ESTABLISHED "ct_state=+est+trk,"

/* Of whose connection conntrack knows no end. */
#define OF_NO_ENDS \
    "<ct_nw:ct_ipv6>_src=<0.0.0.0:::>,<ct_nw:ct_ipv6>_dst=<0.0.0.0:::>,"

/* Where a packet goes on: allowed; as that of a new connection; to be judged
 * again; as NUMBER says; as a fragment that nobody could judge. */
#define PASS "resubmit(,{<L2|COMMIT_SRC>})"
#define AS_NEW "resubmit(,{*_WHO}),resubmit(,{*_NEW})"
#define TO_REVIEW "resubmit(,{*_REVIEW})"
#define BY_NUMBER "<move:$NUMBER[]->$EGNUM[],|>resubmit(,{*_VERDICT})"
#define AS_UNJUDGED "load:0x40000000->$NUMBER[]," \
    "<load:0x40000000->$EGNUM[],resubmit(,{EG_VERDICT})" \
    "|resubmit(,{COMMIT_SRC})>"

/* Behind egress: nothing of it is needed any more but EGNUM. */
#define EGRESS_DONE "load:0->$NUMBER[],load:0->$PROFILE[],load:0->$CLASS[]," \
    "load:0->$FRAG[],load:0->$FLAGS[],resubmit(,{L2})"

/* The first fragment of a datagram waits for the others, and they lead it
 * on: see "Fragments" in pipeline.h. */
#define WAIT(TABLE) "ct(table={" TABLE "},zone=~)"
#define FRAGMENT_ON "clone(ct(table={FLOOD_FRAG},zone=@))"

/* SCTP, as ct_label has it: both ends may have asked. */
#define GUEST_ASKED "ct_label=2/2"
#define GUEST_SILENT "ct_label=0/2"
#define OTHERS_ASKED "ct_label=4/4"
#define OTHERS_SILENT "ct_label=0/4"

/* Commits to the zone of the guest, and goes on: at once (COMMIT), or when it
 * has seen what comes out of that (COMMIT_AND_SEE). */
#define SET_MARK "move:" COMMITTED "[]->NXM_NX_CT_MARK[]"
#define COMMIT(SET) "clone(ct(commit," ZONE ",exec(" SET ")))"
#define COMMIT_AND_SEE(SET) \
    "clone(ct(commit," ZONE ",table={DONE_<SRC|DST>},exec(" SET ")))"
#define COMMIT_DONE "resubmit(,{<COMMIT_DST|OUT>})"

static const struct static_flow trusted_flows[] = {
    /* Twice, like guards[]: others may have flows below. */
    { "INPUT", SG_PRIO_UNKNOWN, "", "drop" },
    { "INPUT", SG_PRIO_UNKNOWN_TOO, "", "drop" },

    /* Where no guarded MAC takes it, NORMAL forwards.  Multicast goes to the
     * trusted ports by NORMAL and to the guarded ones by FLOOD, which must
     * see in_port as it was: NORMAL first if the sender is trusted (the frame
     * is still as it came), last if it is guarded (OUT hides in_port). */
    /* Priority-tagged: a tag, but of no VLAN. */
    { "L2", 200, "$VLAN=0x1000", "load:0->$VLAN[],resubmit(,{L2})" },
    { "L2", 50, MULTICAST, "resubmit(,{L2_MULTI})" },
    { "L2", 0, "", "resubmit(,{COMMIT_SRC})" },
    { "L2_MULTI", 20, "$SRC=0", "NORMAL,resubmit(,{FLOOD})" },

    { "COMMIT_<SRC|DST>", 100, COMMITTED "=0", COMMIT_DONE },
    { "OUT", 20, "$SRC=0,$OUTPORT=0", "NORMAL" },
};

static const struct static_flow guarded_flows[] = {
    /* Anti-spoofing: what is the same for all guests. */
    /* (In a table of its own: in this one everybody's destination would be
     * compared with the broadcast address.) */
    { "SPOOF_L3", 100, "ip,nw_src=0.0.0.0", "resubmit(,{SPOOF_NONE})" },
    { "SPOOF_NONE", 100,
      "udp,nw_src=0.0.0.0,nw_dst=255.255.255.255,udp_src=68,udp_dst=67",
      "resubmit(,{EG_DISPATCH})" },
    { "SPOOF_L3", 100, "icmp6,ipv6_src=::,icmp_type=133",
      "resubmit(,{EG_DISPATCH})" },
    { "SPOOF_L3", 100, "icmp6,ipv6_src=::,icmp_type=143",
      "resubmit(,{EG_DISPATCH})" },
    { "SPOOF_L3", 100, "icmp6,ipv6_src=::,icmp_type=131",
      "resubmit(,{EG_DISPATCH})" },
    { "SPOOF_ND", 100,
      "icmp6,icmp_type=135,icmp_code=0,nd_sll=00:00:00:00:00:00",
      "load:2->$FLAGS[],resubmit(,{EG_DISPATCH})" },
    { "SPOOF_ND", 0, "", "resubmit(,{EG_DISPATCH})" },
    { "SPOOF_TLL", 100,
      "icmp6,icmp_type=136,icmp_code=0,nd_tll=00:00:00:00:00:00",
      "load:2->$FLAGS[],resubmit(,{EG_DISPATCH})" },

    /* Egress: what needs no rule. */
    { "EG_DISPATCH", 100, "arp", "resubmit(,{L2})" },
    { "EG_DISPATCH", 100, "rarp", "resubmit(,{L2})" },
    { "EG_DISPATCH", 100, "icmp6,icmp_type=133", "resubmit(,{L2})" },
    /* As SPOOF_ND has seen it. */
    { "EG_DISPATCH", 100, "icmp6,icmp_type=135,$FLAGS=2",
      "load:0->$FLAGS[],resubmit(,{L2})" },
    { "EG_DISPATCH", 100, "icmp6,icmp_type=136,$FLAGS=2",
      "load:0->$FLAGS[],resubmit(,{L2})" },
    { "EG_DISPATCH", 90, "icmp6,icmp_type=135", "drop" },
    { "EG_DISPATCH", 90, "icmp6,icmp_type=136", "drop" },
    { "EG_DISPATCH", 100, "icmp6,icmp_type=131," MULTICAST,
      "resubmit(,{L2})" },
    { "EG_DISPATCH", 100, "icmp6,icmp_type=132," MULTICAST,
      "resubmit(,{L2})" },
    { "EG_DISPATCH", 100, "icmp6,icmp_type=143," MULTICAST,
      "resubmit(,{L2})" },
    { "EG_DISPATCH", 100,
      "udp6?,udp_src=<68:546>,udp_dst=<67:547>," MULTICAST,
      "resubmit(,{L2})" },
    /* Conntrack knows no router advertisements.  Redirects are a router's,
     * too, and nobody's business here. */
    { "EG_DISPATCH", 90, "icmp6,icmp_type=134", "resubmit(,{EG_STATELESS})" },
    { "EG_DISPATCH", 90, "icmp6,icmp_type=137", "drop" },
    /* Fragments of each guest in its own zone: in a common one, those of two
     * guests with one address, in two VLANs, would make one datagram. */
    { "EG_DISPATCH", 85, "ip6?,ip_frag=yes," MULTICAST,
      "ct(table={EG_STATELESS},zone=$SRC[0..15])" },
    { "EG_DISPATCH", 80, "ip6?," MULTICAST,
      "ct(table={EG_STATELESS},zone=@)" },
    { "EG_DISPATCH", 50, "ip6?", "ct(table={EG_CT},zone=$SRC[0..15])" },

    { "EG_STATELESS", 50, "icmp6,icmp_type=134", JUDGE_STATELESS },
    /* As in EG_CT.  The first one is judged when it has waited. */
    { "EG_STATELESS", 80, "ip6?,ip_frag=first,ct_zone=~,ct_state=-inv+trk",
      JUDGE_STATELESS },
    { "EG_STATELESS", 70, "ip6?,ip_frag=first,ct_state=-inv+trk",
      WAIT("EG_STATELESS") },
    { "EG_STATELESS", 70, "ip6?,ip_frag=later,ct_state=-inv+trk",
      FRAGMENT_ON "," WAIT("EG_STATELESS") },
    { "EG_STATELESS", 50, "ct_state=-inv+trk", JUDGE_STATELESS },

    /* Ingress: what needs no rule. */
    { "IN", 100, "arp", "resubmit(,{OUT})" },
    { "IN", 100, "icmp6,icmp_type=133", "resubmit(,{OUT})" },
    { "IN", 100, "icmp6,icmp_type=134", "resubmit(,{OUT})" },
    { "IN", 100, "icmp6,icmp_type=135", "resubmit(,{OUT})" },
    { "IN", 100, "icmp6,icmp_type=136", "resubmit(,{OUT})" },
    { "IN", 50, "ip6?", "clone(ct(table={IN_CT},zone=$DST[0..15]))" },

    /* What conntrack says.  Reviews (review.c) sit at 110. */
    { "*_CT", 170, "ip6?,ip_frag=first,ct_zone=~,ct_state=-inv+trk", AS_NEW },
    { "*_CT", 160, "ip6?,ip_frag=first," NEW NOT_YET, WAIT("*_CT") },
    { "*_CT", 160, "ip6?,ip_frag=first," NEW NOT_NOW, WAIT("*_CT") },
    { "*_CT", 160, "ip6?,ip_frag=later," NEW NOT_YET,
      "clone(resubmit(,{*_NEW}))," WAIT("*_CT") },
    { "*_CT", 160, "ip6?,ip_frag=later," NEW NOT_NOW,
      "clone(resubmit(,{*_NEW}))," WAIT("*_CT") },
    { "*_CT", 150, NEW NOT_YET, AS_NEW },
    { "*_CT", 150, NEW NOT_NOW, AS_NEW },
    { "*_CT", 120, ESTABLISHED NOT_YET, TO_REVIEW },
    { "*_CT", 120, ESTABLISHED NOT_NOW, TO_REVIEW },
    /* Each fragment goes the way of those under review, where they meet, lest
     * a datagram be lost of which only some met the review's flows. */
    { "*_CT", 108, "ip6?,ip_frag=yes," ESTABLISHED IN_FORCE, AS_UNJUDGED },
    { "*_CT", 108, "ip6?,ip_frag=yes,ct_state=+new-inv+trk,ct_nw_proto=17,"
      IN_FORCE, AS_UNJUDGED },
    { "*_CT", 108, "ip6?,ip_frag=yes,ct_state=+new-inv+trk,ct_nw_proto=6,"
      IN_FORCE, AS_UNJUDGED },
    /* No flow is needed for this, but new TCP is compared with that flag, and
     * so is what is established because of this: then one mask does for
     * both. */
    { "*_CT", 105, "tcp6?,tcp_flags=+syn-ack," ESTABLISHED IN_FORCE, PASS },
    /* Open vSwitch calls datagrams new until one is answered.  Those of a
     * connection that is committed already were judged. */
    { "*_CT", 105, "ip6?,ct_state=+new-inv+trk,ct_nw_proto=17," IN_FORCE,
      PASS },
    /* So is a SYN of the other end, if both open at once, and a TCP connection
     * that was let in mid-stream (for the kernel), which may be after the time
     * when that is allowed.  (Above those, so that they are compared with the
     * protocol, as what is established is.) */
    { "*_CT", 106, "tcp6?,ip_frag=no,ct_state=+new+trk," IN_FORCE, PASS },
    /* No packet: but what is established, or a datagram that nobody has
     * answered, matches its MAC here because of these, as it does behind
     * EG_CT, and one mask does for both. */
    { "IN_CT", 106, "ip6?,ct_state=+new-inv+trk,ct_nw_proto=17,"
      "dl_dst=ff:ff:ff:ff:ff:ff", "drop" },
    { "IN_CT", 101, "ct_state=+est+trk,dl_dst=ff:ff:ff:ff:ff:ff", "drop" },
    { "*_CT", 100, ESTABLISHED IN_FORCE, PASS },
    { "*_CT", 100, "ct_state=+new+trk," IN_FORCE, AS_NEW },
    /* Of which connection an error is that goes in the direction of its first
     * packet, the switch forgets when the kernel hands it over (3.1.0:
     * pkt_metadata_from_flow()).  What is known is its number. */
    { "*_CT", 95, "ip6?,ct_state=+rel-rpl-inv+trk," OF_NO_ENDS IN_FORCE,
      PASS },
    { "*_CT", 90, "ct_state=+rel+trk", TO_REVIEW },

    { "*_NEW", 110, "ip6?,ip_frag=later", AS_UNJUDGED },
    { "*_NEW", 100, "tcp6?,tcp_flags=+syn-ack," NOT_YET, JUDGE BY_NUMBER },
    /* Of a connection that is cut, or under review, it may be either end's: in
     * userspace the SYN of both is new.  So what allows it need not be what
     * allows the connection, and is not committed. */
    { "*_NEW", 100, "tcp6?,tcp_flags=+syn-ack," ONCE,
      JUDGE "resubmit(,{*_SCTP_TOO})" },
    { "*_NEW", 90, "ip6?,ct_state=+trk-inv,ct_nw_proto=17,"
      "ct_tp_dst=0/0xfc00", "resubmit(,{*_DHCP})" },
    { "*_NEW", 0, "", JUDGE BY_NUMBER },

    /* (In two steps, as EG_SERVER: or all UDP would be compared with bits of
     * the source port, more of them the lower it is.) */
    { "*_DHCP", 90, "udp,udp_src=<68|67>,udp_dst=<67|68>", PASS },
    { "*_DHCP", 90, "udp6,udp_src=<546|547>,udp_dst=<547|546>", PASS },
    { "*_DHCP", 0, "", JUDGE BY_NUMBER },

    { "EG_JUDGE", 0, "", "resubmit(,{EG_PROFILE})" },
    { "EG_SERVER", 0, "", "resubmit(,{EG_PROFILE})" },

    /* NUMBER says whether; EGNUM, which COMMIT_SRC will write. */
    { "EG_VERDICT", 100, ALLOWED, EGRESS_DONE },
    { "EG_VERDICT", 100, UNJUDGED, EGRESS_DONE },
    { "IN_VERDICT", 110, "sctp6?,ct_state=-new+trk," OTHERS_SILENT ","
      ALLOWED, "resubmit(,{COMMIT_SRC})" },
    { "IN_VERDICT", 100, "ct_state=+new+trk," ALLOWED,
      "resubmit(,{COMMIT_SRC})" },
    /* Not a new connection: nothing to commit. */
    { "IN_VERDICT", 100, "ct_state=-new+trk," ALLOWED,
      "load:0->$NUMBER[],resubmit(,{COMMIT_SRC})" },

    /* If the other end has asked, an answer; failing that, a question.  The
     * first question makes a note of who asks. */
    { "*_SCTP", 100, "sctp6?,<" OTHERS_ASKED "|" GUEST_ASKED ">",
      SWAP_IP SWAP_SCTP JUDGE_OTHER SWAP_IP SWAP_SCTP
      "resubmit(,{*_SCTP_TOO})" },
    { "*_SCTP", 50, "", "resubmit(,{*_SCTP_TOO})" },
    { "EG_SCTP_TOO", 100, ALLOWED, EGRESS_DONE },
    { "EG_SCTP_TOO", 50, "$NUMBER=0," GUEST_SILENT,
      "resubmit(,{EG_JUDGE}),move:$NUMBER[]->$EGNUM[],"
      "resubmit(,{EG_VERDICT})" },
    { "EG_SCTP_TOO", 50, "$NUMBER=0," GUEST_ASKED,
      "resubmit(,{EG_JUDGE}),resubmit(,{EG_VERDICT})" },
    { "IN_SCTP_TOO", 100, ALLOWED,
      "load:0->$NUMBER[],resubmit(,{COMMIT_SRC})" },
    { "IN_SCTP_TOO", 50, "$NUMBER=0",
      "resubmit(,{IN_PROFILE}),resubmit(,{IN_VERDICT})" },

    /* Established, but to be judged again: by the rules of the direction in
     * which it began.  An answer is turned round for that; its ports need not
     * be, because rules look at those of the original direction.  An ICMP
     * error may come from anybody on the way: in its place its connection is
     * judged, by the address that conntrack has for the far end.  If that
     * drains, or (SCTP) its ports are not told, the error passes with it. */
    { "*_REVIEW", 110, "ct_state=+rel+trk,ct_mark=0x60000000/0xe0000000",
      PASS },
    { "*_REVIEW", 110, "ip6?,ct_state=+rel-inv+trk,ct_nw_proto=132," IN_FORCE,
      PASS },
    { "*_REVIEW", 100, "ip6?,ct_state=<-rpl|+rpl>+rel+trk",
      "resubmit(,{*_WHO})," JUDGE_EGRESS "resubmit(,{*_VERDICT})" },
    { "*_REVIEW", 100, "ip6?,ct_state=<+rpl|-rpl>+rel+trk",
      "resubmit(,{*_WHO})," JUDGE_INGRESS "resubmit(,{*_VERDICT})" },
    { "*_REVIEW", 95, ESTABLISHED "ip6?,ip_frag=later", AS_UNJUDGED },
    { "*_REVIEW", 90, "ct_state=+est-rpl+trk",
      "resubmit(,{*_WHO})," JUDGE "resubmit(,{*_REVIEWED})" },
    /* Nobody has answered yet: datagrams are cut like what is established,
     * and for the rest it is as if it were the first packet. */
    { "*_REVIEW", 85, "udp6?,ct_state=+new+trk,ip_frag=no",
      "resubmit(,{*_WHO})," JUDGE "resubmit(,{*_REVIEWED})" },
    { "*_REVIEW", 82, "ct_state=+new+trk", AS_NEW },
    { "*_REVIEW", 80, "ip6?,ct_state=+est+rpl+trk",
      "resubmit(,{*_WHO})," SWAP_IP JUDGE_OTHER SWAP_IP
      "resubmit(,{*_REVIEWED})" },

    { "*_REVIEWED", 110, "$NUMBER=0," NOT_NOW, "drop" },
    /* A commit here would keep a fragment and hand it to those behind it. */
    { "*_REVIEWED", 108, "ip6?,ip_frag=yes,$NUMBER=0", "drop" },
    { "*_REVIEWED", 100, "ip6?,$NUMBER=0",
      "ct(commit," ZONE ",exec(set_field:0x80000000/0x80000000->ct_mark))" },
    { "EG_REVIEWED", 50, ALLOWED,
      "move:$NUMBER[]->$EGNUM[],resubmit(,{EG_VERDICT})" },
    { "IN_REVIEWED", 50, ALLOWED, "resubmit(,{COMMIT_SRC})" },

    /* Multicast from a guarded port; see trusted_flows. */
    { "L2_MULTI", 30, "rarp,$SRC=0", "NORMAL" },
    { "L2_MULTI", 10, "", "resubmit(,{FLOOD}),resubmit(,{OUT})" },
    /* NORMAL has had those of trusted ports. */
    { "FLOOD_FRAG", 100, "$SRC=0,ct_state=-inv+trk",
      "resubmit(,{FLOOD_VOTED})" },
    { "FLOOD_FRAG", 50, "ct_state=-inv+trk",
      "resubmit(,{FLOOD_VOTED}),resubmit(,{OUT})" },

    { "FLOOD", 10, "arp", "resubmit(,{FLOOD_ALL})" },
    { "FLOOD", 20, "icmp6,icmp_type=130", "resubmit(,{FLOOD_ALL})" },
    { "FLOOD", 20, "icmp6,icmp_type=133", "resubmit(,{FLOOD_ALL})" },
    { "FLOOD", 20, "icmp6,icmp_type=134", "resubmit(,{FLOOD_ALL})" },
    { "FLOOD", 20, "icmp6,icmp_type=135", "resubmit(,{FLOOD_ALL})" },
    { "FLOOD", 20, "icmp6,icmp_type=136", "resubmit(,{FLOOD_ALL})" },
    { "FLOOD", 20, "udp,udp_src=67,udp_dst=68", "resubmit(,{FLOOD_ALL})" },
    { "FLOOD", 12, "ct_state=+trk,ip6?", "resubmit(,{FLOOD_JUDGE})" },
    { "FLOOD", 10, "ip6?", "clone(ct(table={FLOOD_CT},zone=@))" },
    { "FLOOD_TURN", 10, "ip6?", "clone(ct(table={FLOOD_CT},zone=@))" },
    { "FLOOD_CT", 100, "ip6?,ip_frag=no,ct_state=-inv+trk",
      "resubmit(,{FLOOD_JUDGE})" },
    { "FLOOD_CT", 100, "ip6?,ip_frag=first,ct_zone=@,ct_state=-inv+trk",
      WAIT("FLOOD_CT") },
    { "FLOOD_CT", 100, "ip6?,ip_frag=later,ct_zone=@,ct_state=-inv+trk",
      FRAGMENT_ON "," WAIT("FLOOD_CT") },
    { "FLOOD_CT", 100, "ip6?,ip_frag=first,ct_zone=~,ct_state=-inv+trk",
      "resubmit(,{FLOOD_VOTE})," FRAGMENT_ON },

    /* Both verdicts are in.  Never go on behind a ct() without a look at what
     * comes out of it: when fragments expire whose others never came, Open
     * vSwitch's userspace hands them, untracked and invalid, to whatever
     * packet is in a ct() at the time, to go the way of that one.  (Hence also
     * clone() around a ct() that another bridge's NORMAL may bring a frame to,
     * over a patch port, in the midst of its own outputs.  Where nothing
     * follows, it costs nothing.)  A whole packet for a zone that is never
     * full need not look: it commits a copy of itself, behind which nothing
     * follows, and goes on with what it was. */
    { "COMMIT_<SRC|DST>", 60, "ip6?," COMMITTED "=0x40000000",
      COMMIT_AND_SEE("set_field:1/1->ct_label") },
    { "COMMIT_<SRC|DST>", 55, "sctp6?",
      COMMIT_AND_SEE(SET_MARK ",set_field:<2/2|4/4>->ct_label") },
    { "COMMIT_<SRC|DST>", 50, "ip6?,ip_frag=no,$ROOM=<1/1|2/2>",
      COMMIT(SET_MARK) "," COMMIT_DONE },
    { "COMMIT_<SRC|DST>", 40, "ip6?", COMMIT_AND_SEE(SET_MARK) },
    { "DONE_<SRC|DST>", 100,
      "ct_state=-inv+trk,ct_mark=0x20000000/0x20000000", COMMIT_DONE },
    { "DONE_<SRC|DST>", 90, "ct_state=-inv+trk,ct_label=1/1", COMMIT_DONE },

    /* A guarded sender enters NORMAL without a port, so that NORMAL learns
     * nothing from it (no MAC, no multicast group) that could make it choose a
     * guarded port by itself.  The tag is what the port's would have been. */
    { "OUT", 10, "$OUTPORT=0",
      "move:$VLAN[0..15]->NXM_OF_VLAN_TCI[],"
      "load:0xffff->NXM_OF_IN_PORT[],NORMAL" },
    { "OUT", 20, "$OUTPORT=0x10000/0x10000",
      "move:$VLAN[0..15]->NXM_OF_VLAN_TCI[],output:$OUTPORT[0..15]" },
    { "OUT", 0, "$OUTPORT=0/0x10000",
      "load:0->NXM_OF_VLAN_TCI[],output:$OUTPORT[0..15]" },
};

/* What refuses, or leads to a stricter judgment, although a flow below would
 * do for the packet: each is there at its priority and at the one below. */
static const struct static_flow guards[] = {
    /* A multicast TCP segment is nobody's business. */
    { "EG_STATELESS", 100, "tcp6?", "drop" },
    { "FLOOD", 15, "tcp6?", "drop" },

    /* The copies of fragments that have led their first one on. */
    { "*_CT", 180, "ip6?,ip_frag=later,ct_zone=~", "drop" },
    { "EG_STATELESS", 90, "ip6?,ip_frag=later,ct_zone=~", "drop" },

    /* The first fragment of a guest's multicast; others have gone ahead. */
    { "L2_MULTI", 15, "ip6?,ip_frag=first,ct_state=-inv+trk",
      "resubmit(,{FLOOD_VOTE})," FRAGMENT_ON },
    { "L2_MULTI", 15, "ip6?,ip_frag=later", "drop" },

    /* TCP begins with a SYN. */
    { "*_NEW", 90, "tcp6?", "drop" },

    { "*_CT", 130, "ct_state=+est+trk,sctp6?",
      "resubmit(,{*_WHO}),resubmit(,{*_SCTP})" },

    /* Open vSwitch has no target for what holds an option twice, and no option
     * either; others take the first of the two. */
    { "SPOOF_ND", 120, "icmp6,icmp_type=135,icmp_code=0,nd_target=::",
      "drop" },
    { "SPOOF_ND", 120, "icmp6,icmp_type=136,icmp_code=0,nd_target=::",
      "drop" },

    /* A guest is no DHCP server and no router unless a rule names it.  (In two
     * steps, or all UDP would be compared with all bits of the port, and each
     * port that a guest sends to would take a datapath flow of its own.) */
    { "EG_JUDGE", 100, "ip6?,ct_state=+trk-inv,ct_nw_proto=17,"
      "ct_tp_dst=0/0xfc00", "resubmit(,{EG_SERVER})" },
    { "EG_SERVER", 100, "ip6?,ct_state=+trk-inv,ct_nw_proto=17,"
      "ct_tp_dst=<68:546>", "load:1->$FLAGS[],resubmit(,{EG_PROFILE})" },
    { "EG_JUDGE", 100, "icmp6,icmp_type=134",
      "load:1->$FLAGS[],resubmit(,{EG_PROFILE})" },
};

/* Of what an entry stands for: its side and family; -1 if it has none. */
struct variant {
    int side;                   /* 0: egress; 1: ingress. */
    int family;                 /* 0: IPv4; 1: IPv6. */
};

/* Appends the half that 'v' has of the choice whose text begins at 'p';
 * returns where the choice ends.  (The > of an arrow ends none.) */
static const char *
choose(const struct variant *v, const char *p, struct ds *s)
{
    const char *end = p;

    while (*end != '>' || end[-1] == '-') {
        end++;
    }

    const char *bar = memchr(p, '|', end - p);
    const char *middle = bar ? bar : memchr(p, ':', end - p);
    int half = bar ? v->side : v->family;

    ovs_assert(half >= 0);
    if (half) {
        ds_put_buffer(s, middle + 1, end - (middle + 1));
    } else {
        ds_put_buffer(s, p, middle - p);
    }
    return end + 1;
}

/* Appends what 'p' is for 'v'. */
static void
choose_all(const struct variant *v, const char *p, struct ds *s)
{
    while (*p) {
        if (*p == '<') {
            p = choose(v, p + 1, s);
        } else if (*p == '*') {
            choose(v, "EG|IN>", s);
            p++;
        } else if (p[0] == '6' && p[1] == '?') {
            choose(v, ":6>", s);
            p += 2;
        } else {
            ds_put_char(s, *p++);
        }
    }
}

struct numbered {
    const char *name;
    int number;
};

static const struct numbered tables[] = {
#define SG_TABLE(NAME, NUMBER) { #NAME, NUMBER },
    SG_TABLES
#undef SG_TABLE
    { NULL, 0 },
};

static const struct numbered registers[] = {
#define SG_REGISTER(NAME, NUMBER) { #NAME, NUMBER },
    SG_REGISTERS
#undef SG_REGISTER
    { NULL, 0 },
};

/* The number of what has the 'n' bytes at 'name' for a name. */
static int
number_of(const struct numbered *all, const char *name, size_t n)
{
    for (; all->name; all++) {
        if (strlen(all->name) == n && !memcmp(all->name, name, n)) {
            return all->number;
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
    ds_put_format(s, p[n] == '[' ? "NXM_NX_REG%d" : "reg%d",
                  number_of(registers, p, n));
    return p + n;
}

static void
expand(const struct emitter *e, const char *p, struct ds *s)
{
    while (*p) {
        if (*p == '{') {
            size_t n = strcspn(++p, "}");

            ds_put_format(s, "%d", number_of(tables, p, n));
            p += n + 1;
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

/* Emits to 'table' the flow 'text', which ovs-ofctl(8) understands. */
static void
emit_text(struct emitter *e, int table, uint16_t priority, const char *text)
{
    enum ofputil_protocol usable;
    struct ofputil_flow_mod fm;
    char *error = parse_ofp_str(&fm, OFPFC_ADD, text, NULL, NULL, &usable);

    if (error) {
        VLOG_FATAL("%s: %s", text, error);
    }
    emit_begin(e);
    minimatch_expand(&fm.match, &e->match);
    ofpbuf_put(&e->actions, fm.ofpacts, fm.ofpacts_len);
    emit_flow(e, table, priority, sg_cookie(SG_COOKIE_STATIC, table));
    minimatch_destroy(&fm.match);
    free(CONST_CAST(struct ofpact *, fm.ofpacts));
}

static void
emit_variant(struct emitter *e, const struct static_flow *flow,
             uint16_t priority, const struct variant *v)
{
    struct ds table = DS_EMPTY_INITIALIZER;
    struct ds chosen = DS_EMPTY_INITIALIZER;
    struct ds text = DS_EMPTY_INITIALIZER;

    choose_all(v, flow->table, &table);
    choose_all(v, flow->match, &chosen);
    ds_put_format(&chosen, "%sactions=", chosen.length ? "," : "");
    choose_all(v, flow->actions, &chosen);
    expand(e, ds_cstr(&chosen), &text);
    emit_text(e, number_of(tables, ds_cstr(&table), table.length), priority,
              ds_cstr(&text));
    ds_destroy(&table);
    ds_destroy(&chosen);
    ds_destroy(&text);
}

static void
emit_static_flow(struct emitter *e, const struct static_flow *flow,
                 uint16_t priority)
{
    int last_side = strpbrk(flow->table, "*<") ? 1 : -1;
    int last_family = strchr(flow->match, '?') ? 1 : -1;

    for (int side = MIN(last_side, 0); side <= last_side; side++) {
        for (int family = MIN(last_family, 0); family <= last_family;
             family++) {
            emit_variant(e, flow, priority,
                         &(struct variant) { side, family });
        }
    }
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
