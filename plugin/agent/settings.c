/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "agent/settings.h"

#include <stdlib.h>
#include <string.h>

#include "agent/core.h"
#include "util.h"

/* Shorter, and a guest that is quiet for a while has to be learned again. */
#define LEARN_IDLE_MIN 60

void
sg_settings_init(struct sg_settings *settings)
{
    memset(settings, 0, sizeof *settings);
    svec_init(&settings->policies);
}

void
sg_settings_destroy(struct sg_settings *settings)
{
    svec_destroy(&settings->policies);
    free(settings->switch_unixctl);
}

/* The process may change its working directory, and reads the policy again
 * later. */
void
sg_settings_add_policy(struct sg_settings *settings, const char *path)
{
    svec_add_nocopy(&settings->policies, abs_file_name(NULL, path));
}

static char *
set_policy(struct sg_settings *settings, const char *value)
{
    struct svec paths = SVEC_EMPTY_INITIALIZER;
    char *error = NULL;
    const char *path;
    size_t i;

    svec_parse_words(&paths, value);
    SVEC_FOR_EACH (i, path, &paths) {
        if (path[0] != '/' && !error) {
            error = xasprintf("%s is no absolute path", path);
        }
    }
    if (!error) {
        svec_append(&settings->policies, &paths);
    }
    svec_destroy(&paths);
    return error;
}

static char *
set_observe(struct sg_settings *settings, const char *value)
{
    if (strcmp(value, "true") && strcmp(value, "false")) {
        return xasprintf("%s is neither true nor false", value);
    }
    settings->observe = !strcmp(value, "true");
    return NULL;
}

static char *
parse_seconds(const char *value, int *seconds)
{
    int n;

    if (!str_to_int(value, 10, &n) || n < 0) {
        return xasprintf("%s is not a number of seconds", value);
    }
    *seconds = n;
    return NULL;
}

static char *
set_midstream_grace(struct sg_settings *settings, const char *value)
{
    return parse_seconds(value, &settings->midstream_grace);
}

static char *
set_learn_idle(struct sg_settings *settings, const char *value)
{
    int seconds = 0;
    char *error = parse_seconds(value, &seconds);

    if (!error && seconds < LEARN_IDLE_MIN) {
        error = xasprintf("must be %d seconds or more", LEARN_IDLE_MIN);
    } else if (!error) {
        settings->learn_idle = seconds;
    }
    return error;
}

static char *
set_conntrack_limit(struct sg_settings *settings, const char *value)
{
    uint32_t limit;

    if (!str_to_uint(value, 10, &limit) || !limit) {
        return xasprintf("%s is not a number of connections, 1 or more",
                         value);
    }
    settings->conntrack_limit = limit;
    return NULL;
}

static char *
set_zones(struct sg_settings *settings, const char *value)
{
    unsigned int first, last;
    int n = 0;

    if (!ovs_scan(value, "%u-%u%n", &first, &last, &n) || value[n]
        || first < 1 || first > UINT16_MAX - 2 || last > UINT16_MAX
        || last < first + 2) {
        return xasprintf("%s is no range of at least three zones between 1 "
                         "and %d, such as 20000-29999", value, UINT16_MAX);
    }
    settings->zone_min = first;
    settings->zone_max = last;
    return NULL;
}

static char *
set_switch_unixctl(struct sg_settings *settings, const char *value)
{
    free(settings->switch_unixctl);
    settings->switch_unixctl = xstrdup(value);
    return NULL;
}

static const struct setting {
    const char *name;
    char *(*set)(struct sg_settings *, const char *value);
} table[] = {
    { "conntrack-limit", set_conntrack_limit },
    { "learn-idle", set_learn_idle },
    { "midstream-grace", set_midstream_grace },
    { "observe", set_observe },
    { "policy", set_policy },
    { "switch-unixctl", set_switch_unixctl },
    { "zones", set_zones },
};

static const struct setting *
find_setting(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (!strcmp(table[i].name, name)) {
            return &table[i];
        }
    }
    return NULL;
}

bool
sg_settings_exist(const char *name)
{
    return find_setting(name) != NULL;
}

char *
sg_settings_set(struct sg_settings *settings, const char *name,
                const char *value)
{
    return find_setting(name)->set(settings, value);
}

void
sg_settings_to_options(const struct sg_settings *settings,
                       struct sg_core_options *options)
{
    static const char *const default_policy[] = { SG_DEFAULT_POLICY };
    bool named = !svec_is_empty(&settings->policies);

    *options = (struct sg_core_options) {
        .policy_paths = (named
                         ? (const char *const *) settings->policies.names
                         : default_policy),
        .n_policy_paths = named ? settings->policies.n : 1,
        .switch_unixctl = settings->switch_unixctl,
        .observe = settings->observe,
        .midstream_grace = settings->midstream_grace,
        .learn_idle = settings->learn_idle,
        .zone_min = settings->zone_min,
        .zone_max = settings->zone_max,
        .conntrack_limit = settings->conntrack_limit,
    };
}
