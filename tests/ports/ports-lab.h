/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef TESTS_PORTS_PORTS_LAB_H
#define TESTS_PORTS_PORTS_LAB_H 1

/* The database of a lab (../lab.h) for the tests of plugin/ports/: a test
 * changes it with vsctl() and looks at what the code under test makes of it.
 *
 *     vsctl("add-br br0");
 *     ok(UNTIL(db, find_bridge(db, "br0")), "a bridge appears"); */

#include "lab.h"
#include "ports/ports.h"

/* For sg_ovsdb_create(); valid until the next call. */
const char *lab_remote(void);

/* Runs `ovs-vsctl --no-wait ARGUMENTS' through the shell; bails out if that
 * fails. */
void vsctl(const char *arguments, ...) OVS_PRINTF_FORMAT(1, 2);
/* The same, and returns the first line of its output, without quotes, valid
 * until the next call. */
const char *vsget(const char *arguments, ...) OVS_PRINTF_FORMAT(1, 2);

/* The number of transactions that the database has seen. */
int lab_n_transactions(void);

#define UNTIL_MSEC(DB, CONDITION, MSEC) \
    LAB_UNTIL(sg_ovsdb_run, sg_ovsdb_wait, DB, CONDITION, MSEC)
#define UNTIL(DB, CONDITION) UNTIL_MSEC(DB, CONDITION, LAB_PATIENCE)

/* Runs 'DB' for a while. */
#define SETTLE(DB) ((void) UNTIL_MSEC(DB, false, LAB_QUIET))

#endif /* tests/ports/ports-lab.h */
