/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* ovs-sg-script without the guards around C functions (script/sandbox.h): what
 * a script can do to the agent when they fail. */

#include <config.h>

#include <time.h>

#include "openvswitch/vlog.h"
#include "script/child.h"
#include "script/sandbox.h"
#include "util.h"

int
main(int argc OVS_UNUSED, char *argv[])
{
    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_SYSLOG, VLL_OFF);
    vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
    vlog_init();
    tzset();
    sg_sandbox_leave_unguarded();
    return sg_child_run();
}
