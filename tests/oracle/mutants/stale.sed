# plugin/compile/floods.c: lists of ports keep those that have gone.
/^flood_changed/,/^}/s/sg_unit_touch\(&plan->units, &flood->unit\);//
