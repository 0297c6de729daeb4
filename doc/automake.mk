# Licensed under the Apache License, Version 2.0; see LICENSE.

dist_doc_DATA += doc/lua-api.md
