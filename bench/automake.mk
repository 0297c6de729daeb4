# Licensed under the Apache License, Version 2.0; see LICENSE.

check_PROGRAMS += bench/tgen
bench_tgen_SOURCES = bench/tgen.c

EXTRA_DIST += \
	bench/README.md \
	bench/bench \
	bench/control.py \
	bench/datapath.py \
	bench/directed.py \
	bench/load \
	bench/measure.py \
	bench/model.py \
	bench/openflow.py \
	bench/ovn.py \
	bench/ovsdb.py \
	bench/report.py \
	bench/scenario.py \
	bench/scenario_to_sg.py \
	bench/traffic

# make bench BENCH="mesh --scale 0.1"
bench: all
	SG_BUILDDIR='$(abs_top_builddir)' PYTHONDONTWRITEBYTECODE=1 \
		$(srcdir)/bench/bench $(BENCH)
.PHONY: bench
