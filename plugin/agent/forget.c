/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

/* What NORMAL learned before
 * ==========================
 *
 * NORMAL learns nothing from guarded ports.  But a port that forwarded until
 * now has left its MACs and multicast groups with it, and for minutes NORMAL
 * would still choose the port for frames to them, past all rules.  So when a
 * port that was trusted becomes guarded, or a bridge is taken over, NORMAL is
 * made to forget everything, as soon as the flows are in force and it cannot
 * learn the same again.  It floods what it does not know meanwhile, to trusted
 * ports only. */

#include "agent/core-private.h"

#include "openvswitch/vlog.h"
#include "switch/control.h"
#include "switch/switch.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_forget);

static void
note_port(struct sg_core_bridge *b, const struct sg_port *port)
{
    if (port->guarded && port->ofport != SG_OFPORT_NONE
        && !strcmp(port->bridge, b->name)
        && (!b->ours_there || sg_inputs_have(&b->inputs, port->ofport, 0))) {
        b->forget = SG_FORGET_DUE;
    }
}

void
sg_core_forget_note(const struct sg_core *core, struct sg_core_bridge *b,
                    const struct sset *names)
{
    const struct sg_port *port;
    const char *name;

    if (!names) {
        HMAP_FOR_EACH (port, node, &core->ports.ports) {
            note_port(b, port);
        }
        return;
    }
    SSET_FOR_EACH (name, names) {
        port = sg_ports_find(&core->ports, name);
        if (port) {
            note_port(b, port);
        }
    }
}

/* The switch has answered what it was asked about 'b', or could not. */
static void
bridge_forget_next(struct sg_core *core, struct sg_core_bridge *b,
                   enum sg_control_status status)
{
    if (b->forget == SG_FORGET_MACS) {
        if (status == SG_CONTROL_FAILED) {
            VLOG_WARN("%s: NORMAL may know MACs of ports that are guarded "
                      "now (%s); run `ovs-appctl fdb/flush %s'", b->name,
                      sg_control_error(core->forget_control), b->name);
        }
        b->forget = SG_FORGET_GROUPS;
        sg_control_start_forget_groups(core->forget_control, b->name);
    } else if (b->forget == SG_FORGET_GROUPS) {
        /* It fails where there is no multicast snooping: nothing to forget. */
        b->forget = SG_FORGET_NOTHING;
    }
}

static void
bridge_forget_first(struct sg_core *core, struct sg_core_bridge *b)
{
    free(core->forgetting);
    core->forgetting = xstrdup(b->name);
    b->forget = SG_FORGET_MACS;
    sg_control_start_forget_macs(core->forget_control, b->name);
}

void
sg_core_forget_run(struct sg_core *core)
{
    enum sg_control_status status = sg_control_run(core->forget_control);
    const struct shash_node *node;

    if (status == SG_CONTROL_PENDING || core->observe) {
        return;
    }
    if (status != SG_CONTROL_IDLE) {
        struct sg_core_bridge *b = shash_find_data(&core->bridges,
                                                   core->forgetting);

        if (b) {
            bridge_forget_next(core, b, status);
        }
        if (b && b->forget == SG_FORGET_GROUPS) {
            return;             /* The next question is under way. */
        }
        sg_control_reset(core->forget_control);
    }
    SHASH_FOR_EACH (node, &core->bridges) {
        struct sg_core_bridge *b = node->data;

        if (b->forget == SG_FORGET_DUE && b->applied_pass == core->pass) {
            bridge_forget_first(core, b);
            return;
        }
    }
}

void
sg_core_forget_wait(struct sg_core *core)
{
    sg_control_wait(core->forget_control);
}

/* As long as flows cannot come into force nothing can be forgotten, either.
 * That is an error of their ports, and nothing to wait for. */
static bool
bridge_is_forgetting(const struct sg_core_bridge *b)
{
    bool stuck = (b->barred || !(b->wanted || b->leaving)
                  || sg_switch_is_backing_off(b->sw));

    return (b->forget == SG_FORGET_DUE ? !stuck
            : b->forget != SG_FORGET_NOTHING);
}

bool
sg_core_forget_done(const struct sg_core *core)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &core->bridges) {
        if (bridge_is_forgetting(node->data)) {
            return false;
        }
    }
    return true;
}
