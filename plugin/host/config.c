/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "host/config.h"

#include <string.h>

#include "agent/settings.h"
#include "openvswitch/vlog.h"
#include "smap.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_config);

#define PREFIX "sg-"

static bool
is_ours(const char *key)
{
    return !strncmp(key, PREFIX, strlen(PREFIX));
}

char *
sg_config_read(const struct smap *other_config, struct sg_settings *settings)
{
    const struct smap_node *node;

    sg_settings_init(settings);
    SMAP_FOR_EACH (node, other_config) {
        const char *name = node->key + strlen(PREFIX);
        char *why;

        if (!is_ours(node->key)) {
            continue;
        } else if (!sg_settings_exist(name)) {
            VLOG_WARN("other_config:%s is no setting of ovs-sg.so; see "
                      "ovs-sg.so(8) for those that there are", node->key);
            continue;
        }
        why = sg_settings_set(settings, name, node->value);
        if (why) {
            char *error = xasprintf("other_config:%s: %s", node->key, why);

            free(why);
            return error;
        }
    }
    return NULL;
}

void
sg_config_clone(struct smap *dst, const struct smap *other_config)
{
    const struct smap_node *node;

    smap_init(dst);
    SMAP_FOR_EACH (node, other_config) {
        if (is_ours(node->key)) {
            smap_add(dst, node->key, node->value);
        }
    }
}

bool
sg_config_equal(const struct smap *a_, const struct smap *b_)
{
    struct smap a, b;
    bool equal;

    sg_config_clone(&a, a_);
    sg_config_clone(&b, b_);
    equal = smap_equal(&a, &b);
    smap_destroy(&a);
    smap_destroy(&b);
    return equal;
}
