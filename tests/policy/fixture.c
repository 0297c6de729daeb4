/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "util.h"

struct json *
json_from_text(const char *text)
{
    char *s = xstrdup(text);
    struct json *json;

    for (char *p = s; *p; p++) {
        if (*p == '\'') {
            *p = '"';
        }
    }
    json = json_from_string(s);
    if (json->type == JSON_STRING) {
        ovs_fatal(0, "%s in: %s", json_string(json), s);
    }
    free(s);
    return json;
}

struct sg_policy *
policy_from_text(const char *text, char **said)
{
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct ds s = DS_EMPTY_INITIALIZER;
    struct json *json = json_from_text(text);
    struct sg_policy *policy = sg_policy_from_document(json, &diags);

    sg_diags_format(&diags, false, &s);
    sg_diags_format(&diags, true, &s);
    if (said) {
        *said = xstrdup(ds_cstr(&s));
    } else if (s.length) {
        ovs_fatal(0, "%s in: %s", ds_cstr(&s), text);
    }
    ds_destroy(&s);
    sg_diags_destroy(&diags);
    json_destroy(json);
    return policy;
}

void
facts_from_text(const char *text, struct sg_facts *facts)
{
    struct json *json = json_from_text(text);
    char *error;

    sg_facts_init(facts);
    error = sg_facts_from_json(json, facts);
    if (error) {
        ovs_fatal(0, "%s in: %s", error, text);
    }
    json_destroy(json);
}
