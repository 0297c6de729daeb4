# Licensed under the Apache License, Version 2.0; see LICENSE.

layout_tests = \
	tests/layout/includes.t \
	tests/layout/length.t \
	tests/layout/setup.t \
	tests/layout/targets.t
TESTS += $(layout_tests)
EXTRA_DIST += $(layout_tests)
