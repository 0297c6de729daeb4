/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H 1

/* What the fuzz targets share.  A target is a program with one function that
 * libFuzzer calls with bytes of its making:
 *
 *     int
 *     LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
 *
 * Whatever the bytes are, it must return; the sanitizers and the assertions
 * say the rest. */

#include <stddef.h>
#include <stdint.h>

struct json;
struct sg_flows;
struct sg_policy;
struct sg_ports;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes as JSON; like json_from_string(), a JSON string if they are
 * none. */
struct json *fuzz_json(const uint8_t *data, size_t size);

/* Compiles for bridge br0 with numbers from 'installed' (may be NULL), notes
 * the reviews that the change brings, and asserts that a second pass gives the
 * same flows. */
void fuzz_compile(const struct sg_policy *, const struct sg_ports *,
                  const struct sg_flows *installed);

/* Guards one port by all groups of 'policy', as many as it may have, and
 * compiles. */
void fuzz_policy(const struct sg_policy *);

#endif /* fuzz.h */
