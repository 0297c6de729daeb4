/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "switch-lab.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/vlog.h"
#include "util.h"

static long log_read;           /* So much of our own log was looked at. */

void
lab_start(const char *program)
{
    lab_create(program);

    char *log = xasprintf("%s/test.log", lab_dir());

    vlog_set_levels(NULL, VLF_FILE, VLL_INFO);
    vlog_set_log_file(log);
    free(log);
    lab_start_server();
    lab_start_switch();
}

char *
lab_log(void)
{
    struct ds lines = DS_EMPTY_INITIALIZER;
    struct ds line = DS_EMPTY_INITIALIZER;
    char *path = xasprintf("%s/test.log", lab_dir());
    FILE *stream = fopen(path, "r");

    if (stream) {
        ignore(fseek(stream, log_read, SEEK_SET));
        while (!ds_get_line(&line, stream)) {
            if (strstr(ds_cstr(&line), "|WARN|")
                || strstr(ds_cstr(&line), "|ERR|")) {
                ds_put_format(&lines, "%s\n", ds_cstr(&line));
            }
        }
        log_read = ftell(stream);
        fclose(stream);
    }
    free(path);
    ds_destroy(&line);
    return ds_steal_cstr(&lines);
}

static bool
is_our_table(uint8_t table_id)
{
    return table_id >= 1 && table_id <= 9;
}

struct sg_switch *
lab_connect(const char *bridge)
{
    char *target = xasprintf("unix:%s/%s.mgmt", lab_dir(), bridge);
    struct sg_switch *s = sg_switch_create(bridge, target, 100, is_our_table);

    free(target);
    return s;
}

void
lab_add_flow(struct sg_flows *flows, unsigned int cookie,
             const char *format, ...)
{
    enum ofputil_protocol usable;
    struct ofputil_flow_mod fm;
    struct match match;
    va_list args;

    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);

    char *error = parse_ofp_flow_mod_str(&fm, text, NULL, NULL, OFPFC_ADD,
                                         &usable);
    if (error) {
        lab_bail_out("%s: %s", text, error);
    }
    minimatch_expand(&fm.match, &match);
    sg_flows_add(flows, fm.table_id == OFPTT_ALL ? 0 : fm.table_id,
                 fm.priority, SG_COOKIE_MAGIC | cookie, &match,
                 fm.ofpacts, fm.ofpacts_len);
    minimatch_destroy(&fm.match);
    free(fm.ofpacts);
    free(text);
}

size_t
lab_commit(struct sg_switch *s, const struct sg_flows *desired)
{
    struct sg_changes changes;
    size_t n;

    sg_changes_init(&changes);
    sg_flows_diff(sg_switch_installed(s), desired, &changes);
    sg_switch_commit(s, &changes);
    n = changes.n;
    sg_changes_destroy(&changes);
    return n;
}

bool
lab_bridge_has(const char *bridge, const struct sg_flows *flows)
{
    struct ds wanted = DS_EMPTY_INITIALIZER;
    char *command = xasprintf("LC_ALL=C sort >'%s/wanted'", lab_dir());
    FILE *stream = popen(command, "w");

    sg_flows_format(flows, &wanted);
    fputs(ds_cstr(&wanted), stream);
    pclose(stream);
    ds_destroy(&wanted);
    free(command);

    char *difference = lab_get(
        "ovs-ofctl --no-stats --no-names -O OpenFlow15 dump-flows %s "
        "cookie=%#llx/%#llx | sed 's/^ //' | LC_ALL=C sort "
        "| diff - '%s/wanted' || :", bridge,
        (unsigned long long int) SG_COOKIE_MAGIC,
        (unsigned long long int) SG_COOKIE_MASK, lab_dir());
    bool same = !difference[0];

    if (!same) {
        printf("# %s\n", difference);
    }
    free(difference);
    return same;
}
