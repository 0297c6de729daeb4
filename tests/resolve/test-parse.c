/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* What files and web servers say, good and bad; and what is remembered. */

#include <config.h>

#include "resolve/parse.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "policy/addresses.h"
#include "policy/prefix.h"
#include "random.h"
#include "resolve/memory.h"
#include "tap.h"
#include "util.h"

/* The list in one line, or the error behind "! ". */
static char *
parse(const char *text, size_t len, const struct sg_addresses *how)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    struct sg_prefix *prefixes;
    size_t n;
    char *error = sg_parse_addresses(text, len, how, &prefixes, &n);

    if (error) {
        ds_put_format(&s, "! %s", error);
        free(error);
    }
    for (size_t i = 0; i < n; i++) {
        ds_put_cstr(&s, i ? " " : "");
        sg_prefix_format(&prefixes[i], &s);
    }
    free(prefixes);
    return ds_steal_cstr(&s);
}

static void
test_texts(void)
{
    static const struct {
        const char *path, *field;
        const char *text;       /* JSON has ' for ". */
        const char *expected;
    } cases[] = {
        /* Lines. */
        { NULL, NULL, "", "" },
        { NULL, NULL, "\n# nothing\n  \r\n", "" },
        { NULL, NULL, "192.0.2.1\n198.51.100.0/24 # office\r\n\t2001:db8::1 \n"
          "192.0.2.1", "192.0.2.1 198.51.100.0/24 2001:db8::1" },
        { NULL, NULL, "192.0.2.1\nweb1\n", "! line 2: \"web1\" is no address "
          "or prefix" },
        { NULL, NULL, "192.0.2.1 192.0.2.2", "! line 1: \"192.0.2.1 "
          "192.0.2.2\" is no address or prefix" },
        { NULL, NULL, "192.0.2.1/24", "! line 1: \"192.0.2.1/24\" is no "
          "address or prefix" },
        { NULL, NULL, "\001\x80", "! line 1: \"??\" is no address or prefix" },
        { NULL, NULL, "0.0.0.0/0", "! line 1: 0.0.0.0/0 is everybody; for "
          "that write any in the policy" },
        { NULL, NULL, "::/0", "! line 1: ::/0 is everybody; for that write "
          "any in the policy" },

        /* JSON. */
        { NULL, NULL, " ['192.0.2.2','192.0.2.1']", "192.0.2.1 192.0.2.2" },
        { NULL, NULL, "[]", "" },
        { NULL, NULL, "{'a':1}", "! what is there is object, not a list; say "
          "with path = \"KEY\" where the list is" },
        { NULL, NULL, "[5]", "! element 1: is number; an address is a "
          "string" },
        { NULL, NULL, "['x']", "! element 1: \"x\" is no address or prefix" },
        { NULL, NULL, "[{'ip':'192.0.2.1'}]", "! element 1: is an object; say "
          "with field = \"KEY\" which of its members is the address" },
        { NULL, "ip", "[{'ip':'192.0.2.1'},{'ip':null},{},"
          "{'ip':['192.0.2.2','2001:db8::/32']}]",
          "192.0.2.1 192.0.2.2 2001:db8::/32" },
        { NULL, "ip", "[]", "" },
        { NULL, "ipp", "[{'ip':'192.0.2.1'},{}]", "! no element of the list "
          "has the field \"ipp\"" },
        { NULL, "ip", "[{'ip':{}}]", "! element 1: is object; an address is a "
          "string" },
        { "a.b", "net.ip", "{'a':{'b':[{'net':{'ip':'192.0.2.1'}}]}}",
          "192.0.2.1" },
        { "a.c", NULL, "{'a':{'b':[]}}", "! there is nothing under the path "
          "\"a.c\"" },
        { "a", NULL, "192.0.2.1", "! this is no JSON (line 0, column 9, byte "
          "9: syntax error in number)" },
        { NULL, NULL, "['192.0.2.1'", "! this is no JSON (line 0, column 12, "
          "byte 12: unexpected end of input)" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct sg_addresses how = {
            .path = CONST_CAST(char *, cases[i].path),
            .field = CONST_CAST(char *, cases[i].field),
        };
        char *text = xstrdup(cases[i].text);
        char *got;

        for (char *p = text; *p; p++) {
            *p = *p == '\'' ? '"' : *p;
        }
        got = parse(text, strlen(text), &how);
        is_str(got, cases[i].expected, "text %"PRIuSIZE, i + 1);
        free(got);
        free(text);
    }
}

static void
test_formats(void)
{
    struct sg_addresses how = { .format = SG_FORMAT_LINES };
    char *got = parse("[]", 2, &how);

    is_str(got, "! line 1: \"[]\" is no address or prefix", "lines, as said");
    free(got);
    how.format = SG_FORMAT_JSON;
    got = parse("192.0.2.1\n", 10, &how);
    ok(!strncmp(got, "! this is no JSON", 17), "JSON, as said");
    free(got);
    how.format = SG_FORMAT_ANY;
    got = parse("1\0002", 3, &how);
    is_str(got, "! this is not text: it has a byte of zero", "bytes");
    free(got);
}

/* Memory. */

static void
put_memory(const struct sg_memory *memory, void *s_)
{
    struct ds *s = s_;

    ds_put_format(s, "%s/%s/%lld:", memory->set, memory->source,
                  memory->fetched);
    for (size_t i = 0; i < memory->n; i++) {
        ds_put_char(s, ' ');
        sg_prefix_format(&memory->prefixes[i], s);
    }
    ds_put_char(s, '\n');
}

static char *
remember(const struct json *json)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&s, "");
    sg_memory_read(json, put_memory, &s);
    return ds_steal_cstr(&s);
}

static void
test_memory(void)
{
    const char *tmp = getenv("TMPDIR");
    char *file = xasprintf("%s/memory.%ld", tmp ? tmp : "/tmp",
                           (long int) getpid());
    struct sg_prefix prefixes[2];
    struct sg_memory memory = { "crm", "dns a.example", 123456789012,
                                prefixes, 2 };
    struct json *array = json_array_create_empty();
    struct json *again;
    char *got;

    free(sg_prefix_parse("192.0.2.1", &prefixes[0]));
    free(sg_prefix_parse("2001:db8::/32", &prefixes[1]));
    json_array_add(array, sg_memory_to_json(&memory));
    ok(!sg_memory_load(file), "no file, no memory");
    sg_memory_save(file, array);
    json_destroy(array);

    again = sg_memory_load(file);
    got = remember(again);
    is_str(got, "crm/dns a.example/123456789012: 192.0.2.1 2001:db8::/32\n",
           "what is saved is remembered");
    free(got);
    json_destroy(again);
    unlink(file);
    free(file);
}

static void
test_bad_memory(void)
{
    static const char *const texts[] = {
        "{}", "[5,[],{},null]",
        "[{\"set\":\"a\",\"source\":\"b\",\"fetched\":1,\"prefixes\":[5]}]",
        "[{\"set\":\"a\",\"source\":\"b\",\"fetched\":1,"
        "\"prefixes\":[\"x\"]}]",
        "[{\"set\":\"a\",\"source\":\"b\",\"fetched\":\"1\","
        "\"prefixes\":[]}]",
        "[{\"set\":\"a\",\"fetched\":1,\"prefixes\":[]}]",
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct json *json = json_from_string(texts[i]);
        char *got = remember(json);

        is_str(got, "", "bad memory %"PRIuSIZE, i + 1);
        free(got);
        json_destroy(json);
    }
}

/* Reads 'text' again, and from nothing; true if both say the same. */
static bool
reads_the_same(struct sg_listing *listing, const char *text,
               const struct sg_addresses *how)
{
    struct sg_prefix *a, *b;
    size_t n_a, n_b;
    char *error_a = sg_listing_parse(listing, text, strlen(text), how, &a,
                                     &n_a);
    char *error_b = sg_parse_addresses(text, strlen(text), how, &b, &n_b);
    bool same = nullable_string_is_equal(error_a, error_b) && n_a == n_b;

    for (size_t i = 0; same && i < n_a; i++) {
        same = sg_prefix_equals(&a[i], &b[i]);
    }
    free(error_a);
    free(error_b);
    free(a);
    free(b);
    return same;
}

/* Lines that come and go; few enough to be there twice now and then. */
static const char *const lines[] = {
    "192.0.2.1", "192.0.2.2 # two", " 192.0.2.3\r", "192.0.2.0/24",
    "2001:db8::1", "2001:db8::/32", "192.0.2.11", "# nothing", "", "web1",
    "192.0.2.1/24", "0.0.0.0/0", "[", "{}"
};

static char *
text_of(const unsigned int *list, size_t n, bool end)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < n; i++) {
        ds_put_format(&s, "%s%s", lines[list[i]],
                      i + 1 < n || end ? "\n" : "");
    }
    return ds_steal_cstr(&s);
}

/* However a text changes, what was read before makes no difference. */
static void
test_again(void)
{
    struct sg_addresses how = { .format = SG_FORMAT_ANY };
    struct sg_listing listing = { .text = NULL };
    unsigned int list[12];
    size_t n = 0, n_wrong = 0;

    for (int round = 0; round < 20000; round++) {
        /* Bad ones seldom. */
        unsigned int max = random_range(20) ? 9 : ARRAY_SIZE(lines);
        size_t at = random_range(n + 1);

        if (n < ARRAY_SIZE(list) && random_range(2)) {
            memmove(&list[at + 1], &list[at], (n - at) * sizeof *list);
            list[at] = random_range(max);
            n++;
        } else if (at < n) {
            if (random_range(2)) {
                list[at] = random_range(max);
            } else {
                memmove(&list[at], &list[at + 1],
                        (n - at - 1) * sizeof *list);
                n--;
            }
        }

        char *text = text_of(list, n, random_range(2));
        if (!reads_the_same(&listing, text, &how) && !n_wrong++) {
            printf("# \"%s\"\n", text);
        }
        free(text);
    }
    is_int(n_wrong, 0, "read again at random");
    sg_listing_destroy(&listing);
}

/* Of a long list that has changed in one place, what is there is read. */
static void
test_difference(void)
{
    struct sg_addresses how = { .format = SG_FORMAT_ANY };
    struct sg_listing listing = { .text = NULL };
    struct ds s = DS_EMPTY_INITIALIZER;

    for (int i = 0; i < 5000; i++) {
        ds_put_format(&s, "10.1.%d.%d\n", i / 250, i % 250);
    }
    ok(reads_the_same(&listing, ds_cstr(&s), &how), "a long list");
    is_int(listing.n_read, 5000, "all of it was read");
    ok(reads_the_same(&listing, ds_cstr(&s), &how), "again");
    is_int(listing.n_read, 0, "nothing was read");
    ds_put_cstr(&s, "192.0.2.1\n");
    ok(reads_the_same(&listing, ds_cstr(&s), &how), "one more");
    is_int(listing.n_read, 1, "one was read");
    memcpy(strstr(ds_cstr(&s), "10.1.9.7\n"), "11.2.3.4", 8);
    ok(reads_the_same(&listing, ds_cstr(&s), &how), "one in the midst");
    is_int(listing.n_read, 1, "one was read");
    ds_destroy(&s);
    sg_listing_destroy(&listing);
}

int
main(void)
{
    test_again();
    test_difference();
    test_texts();
    test_formats();
    test_memory();
    test_bad_memory();
    return done_testing();
}
