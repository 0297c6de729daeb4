/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* ovs-sg.so: the agent as a plugin of a patched ovs-vswitchd
 * ==========================================================
 *
 * The switch calls us from its main loop (openvswitch/plugin.h; ovs-patches/):
 *
 *   init    read the settings, create the core, register the commands
 *   run     the core's turn; settings that have changed; ports that wait
 *   wait    what the core waits for
 *   destroy take back all of it; what is enforced stays enforced
 *
 * libopenvswitch is the switch's.  Its symbols are bound when we are loaded,
 * and nothing of ours but `ovs_plugin' can be seen from outside.
 *
 * The way to the switch is that of ovs-sgd: OpenFlow connections to each
 * bridge's management socket, questions to the control socket, a connection
 * to the database.  None of it blocks, so that the other end, which is this
 * very thread, gets its turn.  It would be no gain to apply changes with
 * ofproto_flow_mod_batch(): over OpenFlow the switch decodes a large change in
 * many turns, and only the commit is one.
 *
 * A change of the settings is a restart of the core, as it would be one of
 * ovs-sgd.  That touches no flow and cuts no connection, because everything
 * that a core must remember is in the flows. */

#include <stdlib.h>
#include <string.h>
#include <unixctl.h>         /* Open vSwitch's; quotes would find our own. */

#include "agent/core.h"
#include "agent/settings.h"
#include "agent/unixctl.h"
#include "host/config.h"
#include "host/gate.h"
#include "openvswitch/plugin.h"
#include "openvswitch/vlog.h"
#include "ports/ports.h"
#include "smap.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(ovs_sg_plugin);

BUILD_ASSERT_DECL(OVS_PLUGIN_INTERFACE_VERSION == 1);

struct plugin {
    char *database;             /* OVSDB remote of the switch. */
    struct smap config;         /* The "sg-*" keys that were read last. */
    struct sg_core *core;
    struct sg_unixctl *commands;
    struct sg_gate *gate;
};

/* The core, and what it comes with. */

static void
core_start(struct plugin *plugin, const struct sg_settings *settings)
{
    struct sg_core_options options;

    sg_settings_to_options(settings, &options);
    options.database = plugin->database;
    options.switch_is_sound = true;     /* ovs-patches/ see to it. */
    plugin->core = sg_core_create(&options);
    plugin->commands = sg_unixctl_create(plugin->core);
}

static void
core_stop(struct plugin *plugin)
{
    sg_unixctl_destroy(plugin->commands);
    sg_core_destroy(plugin->core);
}

static void
restart_core(struct plugin *plugin, const struct sg_settings *settings)
{
    core_stop(plugin);
    core_start(plugin, settings);
    sg_gate_set_core(plugin->gate, plugin->core);
}

/* Settings that are wrong leave those of before in force. */
static void
follow_settings(struct plugin *plugin)
{
    const struct smap *now
        = sg_ovsdb_other_config(sg_core_ovsdb(plugin->core));
    struct sg_settings settings;
    char *error;

    if (!now || sg_config_equal(now, &plugin->config)) {
        return;
    }
    smap_destroy(&plugin->config);
    sg_config_clone(&plugin->config, now);

    error = sg_config_read(now, &settings);
    if (error) {
        VLOG_ERR("%s; the settings of before stay in force", error);
        free(error);
    } else {
        VLOG_INFO("the settings have changed: starting anew with them");
        restart_core(plugin, &settings);
    }
    sg_settings_destroy(&settings);
}

/* What the switch calls. */

/* A second copy of us, under another path, would register the same commands.
 * Logging modules are found in the order in which they came. */
static bool
is_second(void)
{
    return vlog_module_from_name("ovs_sg_plugin") != &this_module;
}

static char *
plugin_init(const struct ovs_plugin_context *context, void **pluginp)
{
    struct sg_settings settings;
    struct plugin *plugin;
    char *error;

    if (is_second()) {
        return xstrdup("this ovs-vswitchd has loaded ovs-sg.so already, "
                       "under another path");
    }
    error = sg_config_read(context->other_config, &settings);
    if (!error) {
        plugin = xzalloc(sizeof *plugin);
        plugin->database = xstrdup(context->db_remote);
        sg_config_clone(&plugin->config, context->other_config);
        core_start(plugin, &settings);
        plugin->gate = sg_gate_create(plugin->core);
        *pluginp = plugin;
    }
    sg_settings_destroy(&settings);
    return error;
}

static void
plugin_run(void *plugin_)
{
    struct plugin *plugin = plugin_;

    sg_core_run(plugin->core);
    sg_unixctl_run(plugin->commands);
    sg_gate_run(plugin->gate);
    follow_settings(plugin);
}

static void
plugin_wait(void *plugin_)
{
    struct plugin *plugin = plugin_;

    sg_core_wait(plugin->core);
    sg_unixctl_wait(plugin->commands);
}

static void
plugin_destroy(void *plugin_)
{
    struct plugin *plugin = plugin_;

    sg_gate_destroy(plugin->gate);
    core_stop(plugin);
    sg_unixctl_each_command(unixctl_command_unregister);
    smap_destroy(&plugin->config);
    free(plugin->database);
    free(plugin);
}

__attribute__((visibility("default")))
const struct ovs_plugin ovs_plugin = {
    OVS_PLUGIN_HEADER,
    .name = "ovs-sg",
    .version = SG_VERSION,
    .init = plugin_init,
    .run = plugin_run,
    .wait = plugin_wait,
    .destroy = plugin_destroy,
};
