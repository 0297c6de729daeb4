/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_POLICY_ICMP_H
#define SG_POLICY_ICMP_H 1

/* Names of ICMP and ICMPv6 types, as policies and `trace' take them. */

#include <stdbool.h>
#include <stddef.h>

#include "policy/policy.h"

/* Fills '*icmp' with what 'name' means for 'proto' (IPPROTO_ICMP or
 * IPPROTO_ICMPV6).  False if it is not known there. */
bool sg_icmp_from_name(int proto, const char *name, struct sg_icmp *icmp);

/* Is there a connection that begins with a message of 'type'?  All others are
 * answers, errors, or nothing that conntrack knows, and invalid by themselves.
 * (The userspace datapath knows neither 17 nor 139.) */
bool sg_icmp_begins(int proto, int type);

/* The name that 'typed' probably was to be, or NULL. */
const char *sg_icmp_guess(int proto, const char *typed);

#endif /* policy/icmp.h */
