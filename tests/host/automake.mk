# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# What is about the plugin alone.  Only `make check-plugin' runs these, beside
# the end-to-end tests of both hosts.

HOST_TESTS = \
	tests/host/gate.t \
	tests/host/life.t \
	tests/host/move.t

EXTRA_DIST += $(HOST_TESTS)
