# Licensed under the Apache License, Version 2.0; see LICENSE.

EXTRA_DIST += \
	bench/README.md \
	bench/bench \
	bench/control.py \
	bench/load \
	bench/measure.py \
	bench/openflow.py \
	bench/report.py \
	bench/scenario.py \
	bench/scenario_to_sg.py

# make bench BENCH="mesh --scale 0.1"
bench: all
	SG_BUILDDIR='$(abs_top_builddir)' PYTHONDONTWRITEBYTECODE=1 \
		$(srcdir)/bench/bench $(BENCH)
.PHONY: bench
