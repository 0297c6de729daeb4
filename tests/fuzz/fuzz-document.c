/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* A policy document, and what the compiler makes of it. */

#include <config.h>

#include "fuzz.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "policy/diag.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "util.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *document = fuzz_json(data, size);
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct ds s = DS_EMPTY_INITIALIZER;

    if (document->type != JSON_STRING) {
        struct sg_policy *policy = sg_policy_from_document(document, &diags);

        ovs_assert(!policy || !diags.n_errors);
        ovs_assert(policy || diags.n_errors
                   || sg_doc_is_incomplete(document));
        sg_diags_sort(&diags);
        sg_diags_format(&diags, false, &s);
        sg_diags_format(&diags, true, &s);
        if (policy) {
            fuzz_policy(policy);
        }
        sg_policy_unref(policy);
    }
    ds_destroy(&s);
    sg_diags_destroy(&diags);
    json_destroy(document);
    return 0;
}
