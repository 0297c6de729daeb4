/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_HOST_CONFIG_H
#define SG_HOST_CONFIG_H 1

/* The settings of the plugin
 * ==========================
 *
 * What ovs-sgd is told by options, the plugin is told by keys in the column
 * other_config of the Open_vSwitch table: "sg-" and the name of the option.
 *
 * Thread: one. */

#include <stdbool.h>

struct sg_settings;
struct smap;

/* Reads 'other_config'.  Returns NULL, or a sentence that the caller frees;
 * in either case the caller destroys 'settings'. */
char *sg_config_read(const struct smap *other_config,
                     struct sg_settings *settings)
    __attribute__((warn_unused_result));

/* Do both say the same about us? */
bool sg_config_equal(const struct smap *a, const struct smap *b);

/* The "sg-*" keys of 'other_config', as a new map. */
void sg_config_clone(struct smap *dst, const struct smap *other_config);

#endif /* host/config.h */
