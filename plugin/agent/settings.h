/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_AGENT_SETTINGS_H
#define SG_AGENT_SETTINGS_H 1

/* What an operator can set
 * ========================
 *
 * The settings of the core have the same names and values with both hosts:
 * `--zones=1000-1999' of ovs-sgd is `other_config:sg-zones=1000-1999' of
 * ovs-sg.so.  They are read here; each host says in its own way what is wrong
 * with which of them.
 *
 *     struct sg_settings settings;
 *     struct sg_core_options options;
 *
 *     sg_settings_init(&settings);
 *     error = sg_settings_set(&settings, "zones", "1000-1999");
 *     ...
 *     sg_settings_to_options(&settings, &options);
 *     core = sg_core_create(&options);
 *     sg_settings_destroy(&settings); */

#include <stdbool.h>
#include <stdint.h>

#include "svec.h"

struct sg_core_options;

struct sg_settings {
    struct svec policies;       /* Absolute; empty: the default folder. */
    bool observe;
    int midstream_grace;        /* Seconds. */
    int learn_idle;             /* Seconds; 0: the usual. */
    uint16_t zone_min, zone_max;    /* 0: all. */
    uint32_t conntrack_limit;   /* 0: none. */
    char *switch_unixctl;       /* NULL: the usual one. */
};

/* The folder that is read if no policy is named. */
#define SG_DEFAULT_POLICY SG_SYSCONFDIR "/ovs-sg/policy.d"

void sg_settings_init(struct sg_settings *);
void sg_settings_destroy(struct sg_settings *);

/* Is there a setting of that name? */
bool sg_settings_exist(const char *name);
/* Sets 'name', which must exist, or for "policy" adds the paths in 'value',
 * which are separated by white space.  Returns NULL, or a sentence about
 * 'value' that the caller frees; then nothing was changed. */
char *sg_settings_set(struct sg_settings *, const char *name,
                      const char *value) __attribute__((warn_unused_result));
/* Adds one path, which may hold white space and be relative. */
void sg_settings_add_policy(struct sg_settings *, const char *path);

/* What is pointed to is that of the settings.  Leaves the database out. */
void sg_settings_to_options(const struct sg_settings *,
                            struct sg_core_options *);

#endif /* agent/settings.h */
