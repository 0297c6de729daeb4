# Licensed under the Apache License, Version 2.0; see LICENSE.

EXTRA_DIST += \
	examples/three-tier/demo \
	examples/three-tier/three-tier.lua
