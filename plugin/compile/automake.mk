# Licensed under the Apache License, Version 2.0; see LICENSE.

libovssg_la_SOURCES += \
	plugin/compile/classify.c \
	plugin/compile/compile.h \
	plugin/compile/compiler.c \
	plugin/compile/emit-endpoints.c \
	plugin/compile/emit-floods.c \
	plugin/compile/emit-learning.c \
	plugin/compile/emit-midstream.c \
	plugin/compile/emit-rules.c \
	plugin/compile/emit-trusted.c \
	plugin/compile/emit.c \
	plugin/compile/emit.h \
	plugin/compile/flow.c \
	plugin/compile/flow.h \
	plugin/compile/extents.c \
	plugin/compile/floods.c \
	plugin/compile/format.c \
	plugin/compile/ids.c \
	plugin/compile/ids.h \
	plugin/compile/judge.c \
	plugin/compile/judge.h \
	plugin/compile/l4.c \
	plugin/compile/l4.h \
	plugin/compile/pipeline.c \
	plugin/compile/pipeline.h \
	plugin/compile/groups.c \
	plugin/compile/plan-private.h \
	plugin/compile/plan.c \
	plugin/compile/read.c \
	plugin/compile/read.h \
	plugin/compile/review-note.c \
	plugin/compile/review.c \
	plugin/compile/review.h \
	plugin/compile/rows.c \
	plugin/compile/slice.h \
	plugin/compile/static.c \
	plugin/compile/unit.c \
	plugin/compile/unit.h \
	plugin/compile/update.c
