/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef TESTS_TAP_H
#define TESTS_TAP_H 1

/* Test Anything Protocol, as little of it as C tests need.
 *
 *     ok(x == 3, "x is three");
 *     is_int(x, 3, "x");
 *     is_str(name, "web", "name of group %d", i);
 *     return done_testing();
 *
 * A program is one file of tests, so everything here is static. */

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_run;             /* Tests so far. */
static int tap_failed;          /* How many of them failed. */

static bool __attribute__((format(printf, 4, 0)))
tap_result(bool good, const char *file, int line, const char *format,
           va_list args)
{
    printf("%sok %d - ", good ? "" : "not ", ++tap_run);
    vprintf(format, args);
    putchar('\n');
    if (!good) {
        tap_failed++;
        printf("# failed at %s:%d\n", file, line);
    }
    fflush(stdout);
    return good;
}

static inline bool __attribute__((format(printf, 4, 5)))
tap_ok(const char *file, int line, bool good, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tap_result(good, file, line, format, args);
    va_end(args);
    return good;
}

static inline bool __attribute__((format(printf, 5, 6)))
tap_is_int(const char *file, int line, long long int got,
           long long int want, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tap_result(got == want, file, line, format, args);
    va_end(args);
    if (got != want) {
        printf("# got %lld, expected %lld\n", got, want);
    }
    return got == want;
}

/* Prints 's' as a comment, also if it has several lines. */
static inline void
tap_show(const char *label, const char *s)
{
    printf("# %s:", label);
    for (; s && *s; s++) {
        if (s[0] != '\n') {
            putchar(*s);
        } else if (s[1]) {
            printf("\n#     ");
        }
    }
    puts(s ? "" : " (null)");
}

static inline bool __attribute__((format(printf, 5, 6)))
tap_is_str(const char *file, int line, const char *got, const char *want,
           const char *format, ...)
{
    bool good = got && want ? !strcmp(got, want) : got == want;
    va_list args;

    va_start(args, format);
    tap_result(good, file, line, format, args);
    va_end(args);
    if (!good) {
        tap_show("     got", got);
        tap_show("expected", want);
    }
    return good;
}

#define ok(...) tap_ok(__FILE__, __LINE__, __VA_ARGS__)
#define is_int(...) tap_is_int(__FILE__, __LINE__, __VA_ARGS__)
#define is_str(...) tap_is_str(__FILE__, __LINE__, __VA_ARGS__)

/* Prints the plan; what main() returns. */
static inline int
done_testing(void)
{
    printf("1..%d\n", tap_run);
    return tap_failed ? 1 : 0;
}

#endif /* tap.h */
