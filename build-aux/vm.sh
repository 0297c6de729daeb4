# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Shell functions for small virtual machines: Debian's cloud kernel, and an
# initial file system made by initramfs.py.  Sourced by bash, after lib.sh.
#
# Kernel and busybox are Debian's packages, unpacked in the cache and not
# installed: nothing is put into /boot, no boot loader is told.

# Leaves the names of what a machine is made of in $sg_vm_kernel (the unpacked
# packages), $sg_vm_image (what QEMU boots) and $sg_vm_accel.
sg_vm_prepare() {
    local cache key

    cache=$(sg_cache_dir)/vm || return 1
    mkdir -p "$cache/log"
    sg_lock "$cache/lock"
    sg_vm_kernel=$cache/kernel
    if ! sg_vm_unpacked; then
        sg_step "$cache/log/kernel.log" \
                "a kernel and busybox from Debian (27 MB)" \
                sg_vm_unpack "$cache" || return 1
    fi
    sg_vm_image=$(echo "$sg_vm_kernel"/boot/vmlinuz-*)
    key="$(uname -r) $(qemu-system-x86_64 --version | head -n 1)"
    sg_once "$cache/probed" "$key" sg_vm_probe "$cache/accel"
    sg_vm_accel=$(cat "$cache/accel")
    exec {sg_lock_fd}>&-
}

sg_vm_unpacked() {
    [ -e "$sg_vm_kernel"/bin/busybox ] &&
        [ -e "$(echo "$sg_vm_kernel"/boot/vmlinuz-*)" ]
}

# linux-image-cloud-amd64 is an empty package that needs the real one.
sg_vm_unpack() {
    local cache=$1 name

    rm -rf "$cache/new" && mkdir "$cache/new" && cd "$cache/new" || return 1
    name=$(sg_vm_kernel_name)
    if [ -z "$name" ] || ! apt-get -q download "$name" busybox-static; then
        sg_as_root apt-get -q update
        name=$(sg_vm_kernel_name)
        apt-get -q download "$name" busybox-static || return 1
    fi
    for name in *.deb; do
        dpkg -x "$name" . || return 1
    done
    rm -f ./*.deb
    rm -rf "$sg_vm_kernel"
    cd "$cache" && mv new "$sg_vm_kernel"
}

sg_vm_kernel_name() {
    apt-cache depends linux-image-cloud-amd64 2>/dev/null |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1
}

# Writes "kvm" or "tcg" into the file "$1".  That /dev/kvm is there says little:
# inside of another virtual machine a guest may start and then stand still.
sg_vm_probe() {
    echo tcg >"$1"
    [ -w /dev/kvm ] || return 0
    sg_say "== does KVM work here?"
    timeout 10 qemu-system-x86_64 -accel kvm -m 256 -kernel "$sg_vm_image" \
        -append 'console=ttyS0 panic=-1' -display none -no-reboot \
        -nodefaults -serial stdio </dev/null 2>/dev/null |
        grep -aq 'Linux version' && echo kvm >"$1"
    sg_say "   the machines will run with $(cat "$1")"
}

# sg_vm_boot SECONDS INITRD APPEND OPTION...
#
# Boots a machine, with its console on standard output, which is ended after
# SECONDS.
sg_vm_boot() {
    local limit=$1 initrd=$2 append=$3
    shift 3

    # In the foreground, so in our process group: whoever ends that ends both.
    timeout --foreground --kill-after=5 "$limit" qemu-system-x86_64 \
        -accel "$sg_vm_accel" -cpu max -smp 1 -kernel "$sg_vm_image" \
        -initrd "$initrd" -append "console=ttyS0 quiet panic=-1 $append" \
        -display none -no-reboot -nodefaults -serial stdio "$@" </dev/null
}
