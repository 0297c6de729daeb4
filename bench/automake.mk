# Licensed under the Apache License, Version 2.0; see LICENSE.

check_PROGRAMS += bench/tgen
bench_tgen_SOURCES = bench/tgen.c

# For bench/inside.
if HAVE_OVS_PLUGIN
check_PROGRAMS += bench/batch-plugin.so
bench_batch_plugin_so_SOURCES = bench/batch-plugin.c
bench_batch_plugin_so_CPPFLAGS = $(OVS_PLUGIN_CPPFLAGS)
bench_batch_plugin_so_CFLAGS = $(ovs_sg_so_CFLAGS)
bench_batch_plugin_so_LINK = $(ovs_sg_so_LINK)
endif

EXTRA_DIST += \
	bench/README.md \
	bench/bench \
	bench/changes.py \
	bench/control.py \
	bench/datapath.py \
	bench/directed.py \
	bench/batch-plugin.c \
	bench/document.py \
	bench/growth.py \
	bench/inside \
	bench/load \
	bench/measure.py \
	bench/model.py \
	bench/neutron_costs.py \
	bench/openflow.py \
	bench/ovn.py \
	bench/ovn_costs.py \
	bench/ovsdb.py \
	bench/packages \
	bench/packages-neutron \
	bench/plot.py \
	bench/report.py \
	bench/results.py \
	bench/run \
	bench/scenario.py \
	bench/scenario_to_sg.py \
	bench/switch_control.py \
	bench/traffic \
	bench/world.py

# make bench BENCH="mesh --scale 0.1".  In a clone that is not configured,
# GNUmakefile does the set-up first.
bench: all bench/tgen
	SG_BUILDDIR='$(abs_top_builddir)' PYTHONDONTWRITEBYTECODE=1 \
		$(srcdir)/bench/bench $(BENCH)
.PHONY: bench
