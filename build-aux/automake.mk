EXTRA_DIST += \
	build-aux/build-ovs \
	build-aux/initramfs.py \
	build-aux/lib.sh \
	build-aux/packages \
	build-aux/run-test \
	build-aux/setup \
	build-aux/vm.sh
