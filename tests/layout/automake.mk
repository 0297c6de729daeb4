# Licensed under the Apache License, Version 2.0; see LICENSE.

TESTS += tests/layout/includes.t tests/layout/length.t tests/layout/targets.t
EXTRA_DIST += tests/layout/includes.t tests/layout/length.t tests/layout/targets.t
