# Licensed under the Apache License, Version 2.0; see LICENSE.

TESTS += tests/patches/series.t
EXTRA_DIST += tests/patches/series.t
