/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "compile/pipeline.h"

#include <stddef.h>

#include "compile/flow.h"

const char *
sg_cookie_kind_name(enum sg_cookie_kind kind)
{
    static const char *const names[SG_N_COOKIE_KINDS] = {
        [SG_COOKIE_STATIC] = "pipeline",
        [SG_COOKIE_RULE] = "rule",
        [SG_COOKIE_PORT] = "port",
        [SG_COOKIE_TRUSTED] = "trusted port",
        [SG_COOKIE_PROFILE] = "profile",
        [SG_COOKIE_CLASS] = "class",
        [SG_COOKIE_CELL] = "cell",
        [SG_COOKIE_NETWORK] = "network",
        [SG_COOKIE_FLOOD] = "flood list",
        [SG_COOKIE_REVIEW] = "review",
        [SG_COOKIE_MIDSTREAM] = "mid-stream grace",
        [SG_COOKIE_LEARN] = "learning",
    };

    return kind < SG_N_COOKIE_KINDS ? names[kind] : "unknown";
}

uint64_t
sg_cookie(enum sg_cookie_kind kind, uint64_t identity)
{
    return SG_COOKIE_MAGIC | (uint64_t) kind << 44
           | (identity & SG_COOKIE_ID_MASK);
}

enum sg_cookie_kind
sg_cookie_get_kind(uint64_t cookie)
{
    return cookie >> 44 & 0xf;
}

const char *
sg_table_name(uint8_t table_id)
{
    switch (table_id) {
#define SG_TABLE(NAME, NUMBER) case NUMBER: return #NAME;
    SG_TABLES
#undef SG_TABLE
    }
    return NULL;
}
