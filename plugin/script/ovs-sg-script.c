/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* ovs-sg-script: runs the Lua of a policy for ovs-sgd and ovs-sgctl, which
 * start it.  See child.h. */

#include <config.h>

#include <time.h>

#include "openvswitch/vlog.h"
#include "script/child.h"
#include "util.h"

int
main(int argc OVS_UNUSED, char *argv[])
{
    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_SYSLOG, VLL_OFF);
    vlog_set_levels(NULL, VLF_CONSOLE, VLL_ERR);
    vlog_init();
    tzset();                    /* Later there are no files. */
    return sg_child_run();
}
