/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef TESTS_POLICY_FIXTURE_H
#define TESTS_POLICY_FIXTURE_H 1

/* Policies and ports from text, for tests.  The text is JSON with ' for ",
 * which reads better inside a C string. */

#include "policy/diag.h"
#include "policy/policy.h"
#include "policy/port.h"

struct json *json_from_text(const char *text);

/* Makes a policy of a policy document.  The diagnostics, as an author sees
 * them, go to '*said', which the caller frees; if 'said' is NULL, there must
 * be none. */
struct sg_policy *policy_from_text(const char *text, char **said);

/* Reads facts ("ports" and "bridges"), which must be good. */
void facts_from_text(const char *text, struct sg_facts *);

#endif /* fixture.h */
