/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_COMPILE_READ_H
#define SG_COMPILE_READ_H 1

/* Reading back what the emit-*.c files wrote into a flow.  Each function
 * returns false if the flow does not have what is asked for: flows come from
 * the switch, where anybody may have put them. */

#include <stdbool.h>
#include <stdint.h>

#include "compile/pipeline.h"
#include "policy/port.h"
#include "policy/prefix.h"

struct sg_flow;

bool sg_flow_get_load(const struct sg_flow *, enum sg_register,
                      uint32_t *value);
bool sg_flow_get_note(const struct sg_flow *, uint64_t *first,
                      uint64_t *second);
/* How the MAC or the address that the flow matches was learned. */
bool sg_flow_get_learned(const struct sg_flow *, struct sg_learned *);
bool sg_flow_get_match_reg(const struct sg_flow *, enum sg_register,
                           uint32_t *value);
bool sg_flow_get_match_mark(const struct sg_flow *, uint32_t *value,
                            uint32_t *mask);
/* Of a flow that matches on IPv4 or IPv6. */
bool sg_flow_get_match_src(const struct sg_flow *, struct sg_prefix *);
bool sg_flow_get_match_dst(const struct sg_flow *, struct sg_prefix *);

#endif /* compile/read.h */
