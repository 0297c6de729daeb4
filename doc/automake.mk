# Licensed under the Apache License, Version 2.0; see LICENSE.

dist_doc_DATA += \
	doc/architecture.md \
	doc/contract.md \
	doc/contract-tests.md \
	doc/first-day.md \
	doc/libvirt.md \
	doc/lua-api.md \
	doc/operations.md \
	doc/performance.md \
	doc/pipeline.md \
	doc/policy-tests.md \
	doc/threat-model.md \
	doc/tutorial.md

EXTRA_DIST += doc/performance.svg
