/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* The host from the outside: paths that are no policy, what is left behind by
 * many loads, and callbacks of a script that has none. */

#include <config.h>

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "policy/diag.h"
#include "policy/policy.h"
#include "policy/port.h"
#include "script/answers.h"
#include "script/script.h"
#include "svec.h"
#include "tap.h"
#include "util.h"

static char *scratch;           /* A folder. */

static char *
write_file(const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", scratch, name);
    FILE *stream = fopen(path, "w");

    if (!stream || fputs(text, stream) == EOF || fclose(stream)) {
        ovs_fatal(errno, "%s", path);
    }
    return path;
}

/* Loads 'path'; returns the errors as text, which the caller frees. */
static char *
load(const char *path, const struct sg_script_options *options,
     bool *has_policy)
{
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct ds s = DS_EMPTY_INITIALIZER;
    struct json *document;
    struct sg_script *script = sg_script_load(&path, 1, options, &document,
                                              &diags);
    struct sg_policy *policy = sg_policy_from_document(document, &diags);

    *has_policy = policy != NULL;
    sg_diags_format(&diags, false, &s);
    sg_policy_unref(policy);
    json_destroy(document);
    sg_diags_destroy(&diags);
    sg_script_destroy(script);
    return ds_steal_cstr(&s);
}

static void
check_error(const char *path, const struct sg_script_options *options,
            const char *part, const char *what)
{
    bool has_policy;
    char *errors = load(path, options, &has_policy);

    if (!ok(strstr(errors, part) && !has_policy, "%s", what)) {
        tap_show("errors", errors);
    }
    free(errors);
}

static void
test_paths(void)
{
    struct sg_script_options nowhere = { .luadir = "/nonexistent" };
    char *good = write_file("good.lua", "group 'a' {}\n");
    char *fifo = xasprintf("%s/fifo.lua", scratch);
    char *absent = xasprintf("%s/absent.lua", scratch);

    check_error(absent, NULL, "absent.lua: cannot be read: No such file",
                "a file that is not there");
    if (!mkfifo(fifo, 0600)) {
        check_error(fifo, NULL, "fifo.lua: is no regular file",
                    "a FIFO does not block");
        unlink(fifo);
    }
    check_error("/dev/zero", NULL, "/dev/zero: is no regular file",
                "a device");
    check_error(good, &nowhere, "the policy language cannot be loaded: "
                "/nonexistent/sg/lang/init.lua cannot be read",
                "no language");

    bool has_policy;
    char *errors = load(scratch, NULL, &has_policy);
    ok(!errors[0] && has_policy, "a folder");
    free(errors);
    unlink(good);
    errors = load(scratch, NULL, &has_policy);
    ok(!errors[0] && has_policy, "an empty folder is an empty policy");
    free(errors);

    free(good);
    free(fifo);
    free(absent);
}

/* Modules lie below the folder of the policy, also behind links. */
static void
test_links(void)
{
    char *folder = xasprintf("%s/policy", scratch);
    char *out = xasprintf("%s/out.lua", folder);
    char *in = xasprintf("%s/in.lua", folder);
    bool has_policy;

    if (mkdir(folder, 0700)) {
        ovs_fatal(errno, "%s", folder);
    }
    char *secret = write_file("secret.lua", "group 'a' {}\n");
    char *module = write_file("policy/module.lua", "group 'b' {}\n");
    char *bad = write_file("policy/bad.lua", "require 'out'\n");
    char *good = write_file("policy/good.lua", "require 'in'\n");
    if (symlink("../secret.lua", out) || symlink("module.lua", in)) {
        ovs_fatal(errno, "symlink");
    }

    check_error(bad, NULL, "out.lua) is a link that leads out of",
                "a link to a file above is no module");
    char *errors = load(good, NULL, &has_policy);
    ok(!errors[0] && has_policy, "a link to a file below is one");

    unlink(out);
    unlink(in);
    unlink(secret);
    unlink(module);
    unlink(bad);
    unlink(good);
    rmdir(folder);
    free(errors);
    free(folder);
    free(out);
    free(in);
    free(secret);
    free(module);
    free(bad);
    free(good);
}

static void
test_callbacks(void)
{
    struct sg_script_options nowhere = { .luadir = "/nonexistent" };
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    struct svec groups = SVEC_EMPTY_INITIALIZER;
    char *path = write_file("callback.lua", "bind(function() end)\n");
    const char *paths[] = { path };
    struct sg_facts facts;
    struct json *document;
    enum sg_bind_answer answer = SG_BIND_YES;

    sg_facts_init(&facts);
    struct sg_iface *iface = sg_facts_add_iface(
        &facts, "tap1", sg_facts_add_bridge(&facts, "br0"));

    struct sg_script *script = sg_script_load(paths, 1, NULL, &document,
                                              &diags);
    char *error = sg_answers_block(script, 1, iface, &answer, &groups);
    ok(!error && answer == SG_BIND_NO, "nil: not mine");
    free(error);
    error = sg_answers_block(script, 2, iface, &answer, &groups);
    is_str(error, "the policy has no such function", "no such function");
    free(error);
    sg_script_destroy(script);
    json_destroy(document);

    script = sg_script_load(paths, 1, &nowhere, &document, &diags);
    error = sg_answers_block(script, 1, iface, &answer, &groups);
    is_str(error, "the policy has no functions", "a script that never began");
    free(error);
    sg_script_destroy(script);
    json_destroy(document);

    error = sg_answers_block(NULL, 1, iface, &answer, &groups);
    is_str(error, "the policy has no functions", "no script");
    free(error);

    sg_script_destroy(NULL);
    sg_facts_destroy(&facts);
    sg_diags_destroy(&diags);
    svec_destroy(&groups);
    unlink(path);
    free(path);
}

/* Programs in place of ovs-sg-script. */

static char *
write_program(const char *name, const char *text)
{
    char *path = write_file(name, text);

    if (chmod(path, 0700)) {
        ovs_fatal(errno, "%s", path);
    }
    return path;
}

static void
test_programs(void)
{
    static const struct {
        const char *what, *text, *part;
    } cases[] = {
        { "answers without a document",
          "exec python3 -c '\n"
          "import json, socket\n"
          "agent = socket.socket(fileno=3)\n"
          "text = agent.recv(65536).decode()\n"
          "while text:\n"
          "    msg, end = json.JSONDecoder().raw_decode(text)\n"
          "    reply = dict(id=msg[\"id\"], error=None,\n"
          "                 result=dict(complete=True))\n"
          "    agent.sendall(json.dumps(reply).encode())\n"
          "    text = text[end:] or agent.recv(65536).decode()'\n",
          "the policy was not read to its end" },
        { "ends at once", "exit 5", "the interpreter ended with status 5" },
        { "ends by a signal", "kill -9 $$",
          "the interpreter was ended by signal 9" },
        { "closes its channel", "exec 3>&-; exec sleep 600",
          "the interpreter has closed its channel" },
        { "sends requests back", "exec cat <&3 >&3",
          "the interpreter has broken the protocol" },
        { "sends no JSON", "echo x >&3; exec sleep 600",
          "the interpreter cannot be understood" },
        { "sends JSON that means nothing", "echo '{}' >&3; exec sleep 600",
          "the interpreter cannot be understood" },
        { "answers what nobody asked",
          "echo '{\"id\":77,\"result\":{},\"error\":null}' >&3;"
          "exec sleep 600",
          "the interpreter has broken the protocol" },
        { "sends without end", "exec tr '\\0' '[' </dev/zero >&3",
          "the interpreter cannot be understood" },
        { "sends a string without end",
          "printf '[\"' >&3; exec tr '\\0' x </dev/zero >&3",
          "what it made is more than" },
        { "works and works", "while :; do :; done",
          "of processor time, in the middle of one operation" },
    };
    char *good = write_file("good.lua", "group 'a' {}\n");

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *text = xasprintf("#!/bin/sh\n%s\n", cases[i].text);
        char *program = write_program("program", text);
        struct sg_script_options options = {
            .program = program, .budgets.max_ms = 200
        };

        check_error(good, &options, cases[i].part, cases[i].what);
        unlink(program);
        free(program);
        free(text);
    }

    struct sg_script_options nothing = { .program = "/nonexistent" };
    check_error(good, &nothing, "cannot run /nonexistent: No such file",
                "no program");
    unlink(good);
    free(good);
}

/* Bytes that malloc() has handed out. */
static size_t
allocated(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/* A child that asks for another file with each call, of a long name. */
static void
test_reads_of_calls(void)
{
    static const char text[] =
        "#!/bin/sh\n"
        "exec python3 -c '\n"
        "import json, socket\n"
        "agent = socket.socket(fileno=3)\n"
        "text = \"\"\n"
        "def receive():\n"
        "    global text\n"
        "    while True:\n"
        "        try:\n"
        "            msg, end = json.JSONDecoder().raw_decode(text)\n"
        "            text = text[end:]\n"
        "            return msg\n"
        "        except ValueError:\n"
        "            text += agent.recv(65536).decode() or exit()\n"
        "def send(**msg):\n"
        "    agent.sendall(json.dumps(msg).encode())\n"
        "while True:\n"
        "    msg = receive()\n"
        "    if msg[\"method\"] == \"call\":\n"
        "        name = str(msg[\"id\"]) + \"x\" * 100000\n"
        "        send(id=0, method=\"read\", params=[\"module\", name])\n"
        "        receive()\n"
        "    send(id=msg[\"id\"], error=None, result=dict(\n"
        "        complete=True, mine=False,\n"
        "        document=dict(binds=[dict(function=1)])))'\n";
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    char *path = write_file("calls.lua", "bind(function() end)\n");
    char *program = write_program("program", text);
    struct sg_script_options options = { .program = program };
    const char *paths[] = { path };
    struct json *document;
    struct sg_script *script = sg_script_load(paths, 1, &options, &document,
                                              &diags);
    size_t before = 0;
    int n_answers = 0;

    for (int i = 0; i < 60; i++) {
        if (i == 10) {          /* Buffers have their size by then. */
            before = allocated();
        }
        struct json *answer = sg_script_call_block(script, "call", 1, NULL);
        n_answers += !shash_find(json_object(answer), "error");
        json_destroy(answer);
    }
    size_t grown = allocated() > before ? allocated() - before : 0;
    ok(n_answers == 60 && grown < 1024 * 1024,
       "%d calls that read files grow memory by %d bytes", n_answers,
       (int) grown);

    sg_script_destroy(script);
    json_destroy(document);
    sg_diags_destroy(&diags);
    unlink(program);
    unlink(path);
    free(program);
    free(path);
}

/* The child ended, and no other can be started for a call: the call fails at
 * once, and does not wait for something else to happen. */
static void
test_no_other_child(void)
{
    static const char text[] =
        "#!/bin/sh\n"
        "exec python3 -c '\n"
        "import json, socket\n"
        "agent = socket.socket(fileno=3)\n"
        "for i in range(3):\n"
        "    msg = json.loads(agent.recv(65536))\n"
        "    agent.sendall(json.dumps(dict(\n"
        "        id=msg[\"id\"], error=None, result=dict(\n"
        "            complete=True, document=dict(\n"
        "                binds=[dict(function=1)])))).encode())'\n";
    struct sg_diags diags = SG_DIAGS_INITIALIZER;
    char *path = write_file("calls.lua", "bind(function() end)\n");
    char *program = write_program("program", text);
    struct sg_script_options options = { .program = program };
    const char *paths[] = { path };
    struct json *document;
    struct sg_script *script = sg_script_load(paths, 1, &options, &document,
                                              &diags);

    for (int i = 0; i < 2; i++) {
        /* The first may find that the child has ended, the second cannot. */
        if (i) {
            unlink(program);
        }
        json_destroy(sg_script_call_block(script, "call", 1, NULL));
    }

    struct sg_script_call *call = sg_script_call(script, "call", 1, NULL);
    struct json *answer;

    poll_block();               /* The call itself wakes us once. */
    alarm(60);                  /* Not for ever. */
    for (;;) {
        sg_script_run(script);
        answer = sg_script_call_take(call);
        if (answer) {
            break;
        }
        sg_script_wait(script);
        poll_block();
    }
    alarm(0);
    const struct json *error = shash_find_data(json_object(answer), "error");
    ok(error && strstr(json_string(error), "cannot run"),
       "a call fails if no child can be started");

    json_destroy(answer);
    sg_script_destroy(script);
    json_destroy(document);
    sg_diags_destroy(&diags);
    unlink(path);
    free(program);
    free(path);
}

static void
test_reloads(void)
{
    char *good = write_file("10-good.lua",
                            "for i = 1, 50 do\n"
                            "  group('g' .. i) { ingress = {\n"
                            "    tcp { i, from = group 'g1' } } }\n"
                            "end\n"
                            "bind(function() end)\n");
    char *bad = write_file("20-bad.lua", "error 'x'\n");
    char *worse = write_file("30-worse.lua", "while true do end\n");
    struct sg_script_options options = { .budgets.max_instructions = 1000000 };
    size_t before = 0;
    bool has_policy;

    /* malloc()'s own caches come and go with some 120 kB; what a load loses
     * adds up. */
    for (int i = 0; i < 420; i++) {
        if (i == 20) {          /* Caches are warm by then. */
            before = allocated();
        }
        free(load(scratch, &options, &has_policy));
        free(load(good, &options, &has_policy));
    }
    size_t grown = allocated() > before ? allocated() - before : 0;
    ok(has_policy && grown < 256 * 1024, "800 loads grow memory by %d bytes",
       (int) grown);

    unlink(good);
    unlink(bad);
    unlink(worse);
    free(good);
    free(bad);
    free(worse);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    char template[] = "/tmp/ovs-sg-script.XXXXXX";

    set_program_name(argv[0]);
    scratch = mkdtemp(template);
    if (!scratch) {
        ovs_fatal(errno, "mkdtemp");
    }
    test_paths();
    test_links();
    test_callbacks();
    test_programs();
    test_reads_of_calls();
    test_no_other_child();
    test_reloads();
    rmdir(scratch);
    return done_testing();
}
