/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Loads policy files and prints what came of it: the document as JSON, and
 * the errors and warnings, as `ovs-sgctl check' would, on standard error.
 *
 *     dump-document [--quiet] PATH...
 *     dump-document --bind=FACTS PATH...
 *
 * With --bind, asks every function that the policy gave to `bind' about every
 * port in FACTS, a file as for `ovs-sgctl compile --ports'. */

#include <config.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/vlog.h"
#include "policy/diag.h"
#include "policy/policy.h"
#include "policy/port.h"
#include "script/answers.h"
#include "script/script.h"
#include "svec.h"
#include "util.h"

/* The command line. */
struct dump_args {
    bool quiet;                 /* Print errors and warnings only. */
    const char *facts;          /* File; NULL: bind nothing. */
    uint64_t instructions;      /* 0: the default. */
    size_t mib;                 /* Of memory; 0: the default. */
    uint64_t ms;                /* 0: the default. */
};

static void
print_answer(const char *port, char *error, bool matched,
             struct svec *groups)
{
    char *names = svec_join(groups, " ", "");

    if (error) {
        printf("%s: error: %s\n", port, error);
    } else if (matched) {
        printf("%s: %s\n", port, names);
    } else {
        printf("%s: not mine\n", port);
    }
    free(names);
    free(error);
}

static void
bind_one(struct sg_script *script, int function, const struct sg_iface *iface)
{
    struct svec groups = SVEC_EMPTY_INITIALIZER;
    enum sg_bind_answer answer;
    char *error = sg_answers_block(script, function, iface,
                                &answer, &groups);

    print_answer(iface->name, error, answer == SG_BIND_YES, &groups);
    svec_destroy(&groups);
}

/* Asks each function in 'document' about each port of 'file'. */
static void
bind_all(struct sg_script *script, const struct json *document,
         const char *file)
{
    const struct json *binds = shash_find_data(json_object(document),
                                               "binds");
    struct json *json = json_from_file(file);
    const struct json *ports = shash_find_data(json_object(json), "ports");
    struct sg_facts facts;

    sg_facts_init(&facts);
    char *error = sg_facts_from_json(json, &facts);
    if (error) {
        ovs_fatal(0, "%s: %s", file, error);
    }
    for (size_t i = 0; i < binds->array.n; i++) {
        const struct json *f = shash_find_data(
            json_object(binds->array.elems[i]), "function");

        for (size_t j = 0; f && j < ports->array.n; j++) {
            const struct json *name = shash_find_data(
                json_object(ports->array.elems[j]), "name");
            bind_one(script, json_integer(f),
                     sg_facts_find_iface(&facts, json_string(name)));
        }
    }
    sg_facts_destroy(&facts);
    json_destroy(json);
}

static void
print_diags(struct sg_diags *diags)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    sg_diags_sort(diags);
    sg_diags_format(diags, false, &s);
    fputs(ds_cstr(&s), stderr);
    ds_clear(&s);
    sg_diags_format(diags, true, &s);
    if (s.length) {
        fprintf(stderr, "-- warnings --\n%s", ds_cstr(&s));
    }
    ds_destroy(&s);
}

static int
dump(const struct dump_args *args, char *paths[], int n_paths)
{
    struct sg_script_options options = {
        .budgets.max_instructions = args->instructions,
        .budgets.max_memory = args->mib * 1024 * 1024,
        .budgets.max_ms = args->ms,
    };
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct json *document;
    struct sg_script *script = sg_script_load((const char *const *) paths,
                                              n_paths, &options, &document,
                                              &diags);
    struct sg_policy *policy = sg_policy_from_document(document, &diags);

    if (args->facts) {
        bind_all(script, document, args->facts);
    } else if (!args->quiet) {
        char *text = json_to_string(document, JSSF_PRETTY | JSSF_SORT);
        puts(text);
        free(text);
    }
    print_diags(&diags);

    int status = diags.n_errors ? 1 : 0;
    sg_policy_unref(policy);
    sg_diags_destroy(&diags);
    json_destroy(document);
    sg_script_destroy(script);
    return status;
}

int
main(int argc, char *argv[])
{
    static const struct option options[] = {
        { "bind", required_argument, NULL, 'b' },
        { "instructions", required_argument, NULL, 'i' },
        { "mib", required_argument, NULL, 'm' },
        { "ms", required_argument, NULL, 't' },
        { "quiet", no_argument, NULL, 'q' },
        { NULL, 0, NULL, 0 },
    };
    struct dump_args args = { .quiet = false };
    int c;

    set_program_name(argv[0]);
    vlog_set_pattern(VLF_CONSOLE, "log: %p: %m");
    vlog_set_levels(NULL, VLF_SYSLOG, VLL_OFF);
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'b': args.facts = optarg; break;
        case 'i': args.instructions = strtoull(optarg, NULL, 0); break;
        case 'm': args.mib = strtoull(optarg, NULL, 0); break;
        case 't': args.ms = strtoull(optarg, NULL, 0); break;
        case 'q': args.quiet = true; break;
        default: exit(2);
        }
    }
    return dump(&args, argv + optind, argc - optind);
}
