# Licensed under the Apache License, Version 2.0; see LICENSE.

dist_doc_DATA += doc/lua-api.md
dist_doc_DATA += doc/architecture.md doc/contract-tests.md doc/operations.md doc/pipeline.md
