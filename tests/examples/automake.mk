# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The labs below examples/, as users start them.

EXAMPLES_TESTS = tests/examples/mininet.t

TESTS += $(EXAMPLES_TESTS)
EXTRA_DIST += $(EXAMPLES_TESTS)
