/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "ctl/facts-file.h"

#include <stdlib.h>

#include "openvswitch/json.h"
#include "policy/port.h"
#include "util.h"

bool
facts_file_read(const char *file, struct sg_facts *facts)
{
    struct json *json = json_from_file(file);
    char *error;

    if (json->type == JSON_STRING) {
        /* That is how json_from_file() reports errors, too. */
        error = xstrdup(json_string(json));
    } else {
        error = sg_facts_from_json(json, facts);
    }
    json_destroy(json);
    if (error) {
        ovs_error(0, "%s: %s", file, error);
        free(error);
        return false;
    }
    return true;
}
