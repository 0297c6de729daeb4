/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_COMPILE_PIPELINE_H
#define SG_COMPILE_PIPELINE_H 1

/* The pipeline: tables, registers, cookies
 * ========================================
 *
 * What a packet meets on a bridge.  doc/architecture.md has the picture; the
 * flows that do not depend on policy or ports are in static.c, written as one
 * would type them for ovs-ofctl(8).
 *
 *   from a guarded port                       from a trusted port
 *          |                                           |
 *        INPUT ----------------------------------------+
 *          |                                           |
 *      SPOOF_* (own MAC and addresses only)            |
 *          |                                           |
 *      EG_DISPATCH -- ARP, ND, DHCP -------------.     |
 *          | unicast IP          | multicast IP  |     |
 *       ct(zone of sender)       |               |     |
 *          |                     |               |     |
 *       EG_CT -- established --. |               |     |
 *          | new               | |               |     |
 *       EG_NEW -> EG_JUDGE ... | EG_STATELESS    |     |
 *          |                   | |               |     |
 *          +-------------------+-+---------------+-----+
 *          |
 *         L2 -- no guarded MAC --> NORMAL          L2_MULTI -> FLOOD ...
 *          | guarded MAC
 *         IN -- ARP, ND --------------------------------.
 *          |                                            |
 *       ct(zone of receiver)                            |
 *          |                                            |
 *       IN_CT -- established -----.                     |
 *          | new                  |                     |
 *       IN_NEW -> IN_JUDGE ...    |                     |
 *          |                      |                     |
 *       COMMIT_SRC, COMMIT_DST <--'                     |
 *          |                                            |
 *         OUT <-----------------------------------------'
 *
 * A connection is committed to the sender's and the receiver's zone only
 * behind both verdicts, so a refused one leaves no trace that a packet the
 * other way round could pass for an answer to.
 *
 * Judging is a subroutine: given the network and profile of the guarded side
 * in their registers, it leaves the number of what allows the packet in
 * SG_R_NUMBER, or 0.
 *
 *   *_JUDGE -> *_PROFILE: fragments whose peer is `any', then, if undecided,
 *   *_CLASS (address to class) -> *_CELL: fragments of (profile, class)
 *   *_L4: (fragment, protocol, port) to number
 *
 * Behind a ct() a packet may meet other tables than it met before: while a
 * change is under way, the datapath goes on for some milliseconds with what it
 * knew in front of the ct(), and with the registers of that time.  So only
 * what does not change its meaning crosses a ct(): zones, which stand for an
 * endpoint for as long as it exists.  Which profile that is of, *_WHO tells
 * behind it. */

#include <stdint.h>

/* Fragments
 * ---------
 *
 * Userspace conntrack reassembles in every ct(): its packets come out when
 * their datagram is whole, and then one fragment after the other.  All of them
 * go on with the registers of the one that completed it, and what is committed
 * is what its flow says.  But only the first fragment can be judged, by the
 * ports that conntrack saw (ct_tp_dst; ports of a fragment itself cannot be
 * matched in Open vSwitch's default mode); of the others no field tells them.
 *
 * So the first one is made the one that completes the next ct().  It waits,
 * unjudged, in a ct() of another zone (waiting_zone), where nothing is ever
 * committed.  Each later one goes ahead to the next ct(), unjudged, and a copy
 * of it to the first one.  When the last copy has come, the first is free: it
 * is judged and, if that lets it pass, goes where the others are, as the last
 * of them.  The copies are dropped.  Two things make the others and the first
 * meet: it comes back to the table that sent it away with the registers as
 * they were, and thus with the same recirc_id, which is part of the key of
 * fragments; and the zone, which is not, tells that table that it has waited.
 *
 * That is for what is new to conntrack.  Of what is known, or under review,
 * later fragments pass unjudged, and the first one, without which they do not
 * come out of the next ct(), is judged.  All of them go to the same commit, so
 * that they meet also if a review begins or ends between two of them.  Where
 * it takes what an unjudged one says, that is a label (no SG_MARK_KNOWN).
 *
 * The kernel's datapath puts datagrams together once and for all; there
 * nothing is a fragment behind a ct().
 *
 * Limits
 * ------
 *
 * A zone that is full drops nothing by itself: the commit fails, and the
 * packet goes on.  Where a zone has a limit, packets therefore come back from
 * the commit to see whether it left its mark (or, a fragment that knows no
 * number, its label).  Where it has none (SG_R_ROOM) that would be a way
 * through the datapath for nothing, and the commit is done in passing, to a
 * copy of the packet: what else comes out of that ct() goes nowhere.
 *
 * SCTP
 * ----
 *
 * Userspace conntrack does not know SCTP's ports, so "established" would mean
 * every port of a pair of hosts.  Each packet is judged by its own ports: as a
 * question, or, if the other end has asked anything before, turned round as
 * the answer to one.  Either end may have begun an association, and conntrack
 * has one entry for all of a pair, so it notes in ct_label who has asked:
 * bit 1 the guest whose zone it is, bit 2 the other end.
 *
 * Multicast
 * ---------
 *
 * Not tracked: it goes to many, and nobody answers it with a packet that
 * conntrack could match.  It passes ct() in a zone where nothing is ever
 * committed, for its validity and for ct_tp_dst: once, however many ports it
 * goes to, but for VLANs of many profiles (emit-floods.c).
 *
 * Fragments of a guest's are put together in the zone of the guest, because
 * another guest may have the same address in another VLAN.
 *
 * Of a datagram in fragments the first one waits as above and is then judged
 * for every profile (FLOOD_VOTE).  The verdicts stay on the stack, which like
 * the registers is what all of them go on with, and FLOOD_VOTED takes them
 * from there.  VOTES says of which list of profiles they are, because that may
 * have become another one meanwhile. */

/* Tables, in the order a packet meets them (but for FLOOD_VOTE and
 * FLOOD_VOTED, which stand by FLOOD_FRAG, and those behind NAMES).  Table 0 is
 * everybody's entrance; ours begin where nobody else is likely to be. */
#define SG_TABLES                                                           \
    SG_TABLE(INPUT,          0)  /* Which port: guarded, trusted, unknown. */ \
    SG_TABLE(SPOOF_L2,     100)  /* Own MAC? */                             \
    SG_TABLE(SPOOF_L3,     101)  /* Own address? */                         \
    SG_TABLE(SPOOF_ARP,    102)  /* Own address in ARP? */                  \
    SG_TABLE(SPOOF_ND,     103)  /* Own addresses in neighbor discovery? */ \
    SG_TABLE(SPOOF_TLL,    104)  /* Own MAC in a neighbor advertisement? */ \
    SG_TABLE(EG_DISPATCH,  105)  /* What needs no rule; what needs ct(). */ \
    SG_TABLE(EG_STATELESS, 106)  /* Multicast: judged, not tracked. */      \
    SG_TABLE(EG_CT,        107)  /* What conntrack says, sender's zone. */  \
    SG_TABLE(EG_REVIEW,    108)  /* Established, but judged again. */       \
    SG_TABLE(EG_REVIEWED,  109)  /* ... and what came of it. */             \
    SG_TABLE(EG_NEW,       110)  /* A new connection. */                    \
    SG_TABLE(EG_JUDGE,     111)  /* What a rule must name expressly. */     \
    SG_TABLE(EG_PROFILE,   112)                                             \
    SG_TABLE(EG_CLASS,     113)                                             \
    SG_TABLE(EG_CELL,      114)                                             \
    SG_TABLE(EG_L4,        115)                                             \
    SG_TABLE(EG_VERDICT,   116)                                             \
    SG_TABLE(EG_SCTP,      117)  /* Established, but judged by packet. */   \
    SG_TABLE(EG_SCTP_TOO,  118)  /* No answer: a question? */               \
    SG_TABLE(EG_WHO,       119)  /* By its zone: the sender's profile. */   \
    SG_TABLE(L2,           120)  /* Whose MAC is it? */                     \
    SG_TABLE(L2_MULTI,     121)  /* Broadcast and multicast. */             \
    SG_TABLE(FLOOD,        122)  /* Who gets this one? */                   \
    SG_TABLE(FLOOD_ALL,    123)  /* Every guarded port of the VLAN. */      \
    SG_TABLE(FLOOD_CT,     124)  /* Back from looking at the packet. */     \
    SG_TABLE(FLOOD_JUDGE,  125)  /* Judges each profile of the VLAN. */     \
    SG_TABLE(FLOOD_OUT,    126)  /* The ports of one profile. */            \
    SG_TABLE(FLOOD_TURN,   127)  /* So many are judged; now the others. */  \
    SG_TABLE(FLOOD_FRAG,   128)  /* Fragments behind their first one. */    \
    SG_TABLE(IN_WHO,       129)  /* By its zone: the receiver's profile. */ \
    SG_TABLE(IN,           130)  /* What needs no rule; what needs ct(). */ \
    SG_TABLE(IN_CT,        131)                                             \
    SG_TABLE(IN_REVIEW,    132)                                             \
    SG_TABLE(IN_REVIEWED,  133)                                             \
    SG_TABLE(IN_NEW,       134)                                             \
    SG_TABLE(IN_PROFILE,   135)                                             \
    SG_TABLE(IN_CLASS,     136)                                             \
    SG_TABLE(IN_CELL,      137)                                             \
    SG_TABLE(IN_L4,        138)                                             \
    SG_TABLE(IN_VERDICT,   139)                                             \
    SG_TABLE(IN_SCTP,      140)  /* Established, but judged by packet. */   \
    SG_TABLE(IN_SCTP_TOO,  141)  /* No answer: a question? */               \
    SG_TABLE(COMMIT_SRC,   142)  /* To the sender's zone. */                \
    SG_TABLE(DONE_SRC,     143)  /* Whole, and room in the zone? */         \
    SG_TABLE(FLOOD_VOTE,   144)  /* Judges a first fragment for all ... */  \
    SG_TABLE(COMMIT_DST,   145)  /* To the receiver's zone. */              \
    SG_TABLE(DONE_DST,     146)  /* Whole, and room in the zone? */         \
    SG_TABLE(FLOOD_VOTED,  147)  /* ... for whom all of them are then. */   \
    SG_TABLE(OUT,          148)  /* To the port, or NORMAL. */              \
    SG_TABLE(NAMES,        149)  /* No packet comes here: numbers of        \
                                  * networks and the zone of multicast, for \
                                  * a restarted agent. */                   \
    SG_TABLE(SPOOF_NONE,   150)  /* Behind SPOOF_L3: no address yet. */     \
    SG_TABLE(EG_SERVER,    151)  /* Behind EG_JUDGE: a DHCP server? */      \
    SG_TABLE(EG_DHCP,      152)  /* Behind EG_NEW: a DHCP request? */       \
    SG_TABLE(IN_DHCP,      153)  /* Behind IN_NEW: the answer to one? */

enum sg_table {
#define SG_TABLE(NAME, NUMBER) SG_T_##NAME = NUMBER,
    SG_TABLES
#undef SG_TABLE
};

/* Registers.  All of a stage's registers are in the state that waits for a
 * ct() to come back, so what the next stage does not need is cleared. */
#define SG_REGISTERS                                                        \
    SG_REGISTER(SRC,     0)  /* Zone of the sending endpoint; 0: trusted. */ \
    SG_REGISTER(NET,     1)  /* Network of the side that is judged. */      \
    SG_REGISTER(PROFILE, 2)  /* Its profile. */                             \
    SG_REGISTER(VLAN,    3)  /* 0x1000 | VLAN id; 0: none. */               \
    SG_REGISTER(DST,     4)  /* Zone of the receiving endpoint, or 0. */    \
    SG_REGISTER(OUTPORT, 5)  /* Its port; bit 16: send with the tag. */     \
    SG_REGISTER(CLASS,   6)  /* Scratch of judging. */                      \
    SG_REGISTER(FRAG,    7)  /* Scratch of judging; part while flooding. */ \
    SG_REGISTER(NUMBER,  8)  /* Result of judging; for the DST zone. */     \
    SG_REGISTER(EGNUM,   9)  /* What egress allowed it; for the SRC zone. */ \
    SG_REGISTER(FLAGS,  10)  /* SG_FLAG_*. */                               \
    SG_REGISTER(ROOM,   11)  /* SG_ROOM_*: zones that have no limit. */     \
    SG_REGISTER(VOTES,  12)  /* Whose votes are on the stack; 0: none. */

enum sg_register {
#define SG_REGISTER(NAME, NUMBER) SG_R_##NAME = NUMBER,
    SG_REGISTERS
#undef SG_REGISTER
};

/* SG_R_FLAGS.  1, which static.c alone loads and spells as a number: only a
 * rule that names it counts. */
#define SG_FLAG_ND 2u           /* SPOOF_* has seen neighbor discovery. */

/* SG_R_ROOM. */
#define SG_ROOM_SRC 1u
#define SG_ROOM_DST 2u

/* ct_mark. */
#define SG_MARK_CUT     UINT32_C(0x80000000)  /* Judged again, each packet. */
#define SG_MARK_DRAIN   UINT32_C(0x40000000)  /* Part of the number: lives on
                                               * when its rule goes. */
#define SG_MARK_KNOWN   UINT32_C(0x20000000)  /* Part of every number. */
#define SG_MARK_NUMBER  UINT32_C(0x7fffffff)
#define SG_MARK_ID      UINT32_C(0x1fffffff)  /* What tells numbers apart. */

/* SG_MARK_DRAIN alone, in place of a number: a fragment that nobody could
 * judge, see above (UNJUDGED in static.c). */

/* Priorities in table 0.  Below the 32768 that ovs-ofctl gives a flow if
 * nobody asks for another, so that an operator's own flow wins (and is
 * reported) instead of being shadowed without a word. */
#define SG_PRIO_UNKNOWN   30000   /* Drops what no other flow admits. */
#define SG_PRIO_UNKNOWN_TOO 30001 /* Again, in case that one is deleted. */
#define SG_PRIO_TRUSTED   30002
#define SG_PRIO_TRUSTED_VLAN 30003
#define SG_PRIO_GUARDED   30004

/* Who of the switch's controllers gets the frames that flows of kind
 * SG_COOKIE_LEARN show: we, and not the operator's. */
#define SG_CONTROLLER_ID 0x5347

/* Kinds of cookie: bits 44 to 47. */
enum sg_cookie_kind {
    SG_COOKIE_STATIC,           /* Part of the pipeline itself: a table. */
    SG_COOKIE_RULE,             /* 44 bits of the rule's UUID. */
    SG_COOKIE_PORT,             /* An endpoint of a guarded port. */
    SG_COOKIE_TRUSTED,          /* A trusted port. */
    SG_COOKIE_PROFILE,
    SG_COOKIE_CLASS,
    SG_COOKIE_CELL,
    SG_COOKIE_NETWORK,
    SG_COOKIE_FLOOD,
    SG_COOKIE_REVIEW,
    SG_COOKIE_MIDSTREAM,        /* An endpoint's time of grace. */
    SG_COOKIE_LEARN,            /* Shows frames to the agent. */
    SG_N_COOKIE_KINDS
};

const char *sg_cookie_kind_name(enum sg_cookie_kind);
uint64_t sg_cookie(enum sg_cookie_kind, uint64_t identity);
enum sg_cookie_kind sg_cookie_get_kind(uint64_t cookie);
#define SG_COOKIE_ID_MASK ((UINT64_C(1) << 44) - 1)

const char *sg_table_name(uint8_t table_id);    /* NULL if not ours. */

#endif /* compile/pipeline.h */
