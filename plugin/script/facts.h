/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_FACTS_H
#define SG_SCRIPT_FACTS_H 1

/* What a `bind(function(port) ... end)' is told about an interface. */

struct json;
struct sg_iface;

/* An object with "name", "bridge", "type", "external_ids", and where they are
 * known "ofport", "tag", "vlan_mode", "trunks", "mac" (the first of
 * attached-mac), "macs", "addresses" (of sg-addresses).  The caller destroys
 * it. */
struct json *sg_iface_to_json(const struct sg_iface *);

#endif /* script/facts.h */
