# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The benchmark runs, on something small.  It makes its own bridges.

BENCH_TESTS = tests/bench/bench.t

TESTS += $(BENCH_TESTS)
EXTRA_DIST += $(BENCH_TESTS)
