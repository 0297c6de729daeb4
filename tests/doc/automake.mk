# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# The documentation says what is.

doc_tests = \
	tests/doc/contract.t \
	tests/doc/links.t \
	tests/doc/man.t \
	tests/doc/pipeline.t \
	tests/doc/shown.t

TESTS += $(doc_tests)
EXTRA_DIST += $(doc_tests)
