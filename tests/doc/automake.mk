# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The documentation says what is.

TESTS += tests/doc/contract.t tests/doc/man.t tests/doc/pipeline.t tests/doc/shown.t
EXTRA_DIST += tests/doc/contract.t tests/doc/man.t tests/doc/pipeline.t tests/doc/shown.t
