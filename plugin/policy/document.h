/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_POLICY_DOCUMENT_H
#define SG_POLICY_DOCUMENT_H 1

/* The policy document: what a policy source hands to the model.
 *
 * The source records what the author wrote, with its place, and judges as
 * little as it can; all values are checked by sg_policy_from_document(), so
 * that every source gives the same errors, all in one go.  Wherever a value
 * is shown as V below the author may have written anything that JSON can
 * carry; the model says what is wrong with it.
 *
 *     DOC    = { "groups": [GROUP...], "prefix_lists": [LIST...],
 *                "addresses": [SET...],
 *                "members": [MEMBERS...], "binds": [BIND...],
 *                "refs": [REF...],
 *                "errors": [DIAG...], "warnings": [DIAG...],
 *                "incomplete": true }
 *              ("incomplete", if some file was not read to its end: then
 *               there is no policy, and names that are not defined are not
 *               reported, because the rest may define them)
 *     PLACE  = { "file": "web.lua", "line": 12,
 *                "chain": "called from site.lua:3" }       (chain optional)
 *     GROUP  = { "name": V, "network": V, "place": PLACE, "description": V,
 *                "revocation": V, "ingress": [RULE...], "egress": [RULE...],
 *                "unknown": ["key"...] }
 *              (an absent "egress" means that everything may leave; an
 *               absent "ingress" that nothing may come in; an absent "network"
 *               that it exists in every one)
 *     RULE   = { "word": "tcp"|"udp"|"sctp"|"icmp"|"icmp6"|"ip"|"all",
 *                "place": PLACE, "values": [V...],  -- positional arguments
 *                "from": PEERS, "to": PEERS, "type": V, "code": V,
 *                "protocol": V, "family": V, "description": V,
 *                "unknown": ["key"...] }
 *              or any other V, where the author put something into
 *              `ingress' or `egress' that is no rule:
 *              { "bad": "a string", "place": PLACE }   (Lua type in words)
 *     PEERS  = PEER or (nested) arrays of PEER; absent if not written
 *     PEER   = "any" handle: { "any": true }
 *              | "192.0.2.0/24"                     (a string)
 *              | { "group": "web" }         (of the network that is judged)
 *              | { "group": "web", "network": "red" }   (of that one)
 *              | { "prefix_list": "office" }
 *              | { "addresses": "crm" } | { "bad": "a number" }
 *     LIST   = { "name": V, "place": PLACE, "entries": [V...] }
 *     SET    = { "name": V, "place": PLACE,
 *                "file": V | "dns": [V...] | "http": V | "resolve": 7,
 *                "interval": V, "timeout": V, "on_error": V,
 *                "max_change": V, "min_ttl": V, "max_ttl": V,
 *                "nameservers": [V...], "max_size": V, "format": V,
 *                "path": V, "field": V, "ca": V, "unknown": ["key"...] }
 *              (an `addresses' set; which options go with which source is
 *               told in doc/lua-api.md)
 *     MEMBERS= { "group": V, "place": PLACE, "entries": [V...],
 *                "network": V }                     (network optional)
 *              (an entry may be { "addresses": "crm" })
 *     BIND   = { "place": PLACE, "groups": [V...], "name": V, "bridge": V,
 *                "type": V, "tag": V, "mac": V, "address": V,
 *                "external_ids": { key: V }, "unknown": ["key"...],
 *                "bad": true }         (if more was written, and refused)
 *              | { "place": PLACE, "function": 7 }
 *     REF    = { "kind": "group"|"prefix_list"|"addresses"|"network",
 *                "name": V, "network": V, "place": PLACE }
 *              -- every place where a name is used; "network" of a group only
 *     DIAG   = { "place": PLACE, "message": "..." }  -- found by the source
 *
 * Lists may nest, a list of one may be written without the list, and an empty
 * object, which Lua cannot tell from an empty list, is one.  null is the same
 * as absent.  Two things are not: a list of values that is there and empty
 * (`tcp { {}, ... }') is an error, because it would mean all ports; an empty
 * list of peers is a rule that never matches, which is left out with a
 * warning. */

#endif /* policy/document.h */
