#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The matrix, virtiofs: a device without a DAX window, and one with a window. Two servers offer the same
# directory of the host: if a write by one device is visible by the other, it has reached the host.
# QEMU's virtiofs device has no window; its generic vhost-user device has one if the server asks for it.
# boot: matrix-virtiofs
# mem: 2G
# server: virtiofs/serve
# qemu: -chardev socket,id=plain,path=@DIR@/plain -device vhost-user-fs-pci,chardev=plain,tag=plain
# qemu: -chardev socket,id=window,path=@DIR@/window -device vhost-user-test-device-pci,chardev=window,virtio-id=26,num_vqs=2,vq_size=128,config_size=44
# lanes: ctwin stock
# tier: full
# timeout: 240
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh
. ./matrix-lib.sh

plan 10

PLAIN=$MNT/plain
VIRTIO=/sys/bus/virtio/drivers/virtiofs

plain_mount_at() { # OPTIONS
	mkdir -p $PLAIN
	mount -t virtiofs -o "$1" plain $PLAIN
}
window_mount() {
	mkdir -p $CELL
	mount -t virtiofs -o dax=always window $CELL
	in_window
}
in_window() { grep -q "^window $CELL virtiofs .*dax=always" /proc/mounts || fail "the window is not mounted"; }

refusal() {
	log_mark
	refused plain_mount_at dax=always
	log_says "dax can't be enabled as filesystem device does not support it"
}

without() { # OPTIONS
	umount_all
	plain_mount_at "$1"
	use $PLAIN nodax
	refused daxexer isdax $PLAIN/mapped
	remember $PLAIN
	plain_mount_at "$1"
	compare $PLAIN
	plain_mount_at "$1"
	rm -rf "${PLAIN:?}"/*
	umount $PLAIN
}

# file NAME SIZE: make a file of that size. QEMU maps no byte behind the end of a file, and the kernel maps
# 2 MiB at a time.
file() { truncate -s "$2" "$CELL/$1"; }

with_window() {
	window_mount
	for _how in pwrite direct mmap; do
		file $_how 4M
		daxexer fill $CELL/$_how --len 3M --off 512K --seed 6 --how $_how
		daxexer isdax $CELL/$_how
	done
	for _engine in psync mmap libaio; do file $_engine.0.0 2M; done
	three_engines $CELL
	remember $CELL
	window_mount
	daxexer verify /tmp/manifest --only $CELL
	daxexer check $CELL/pwrite --len 3M --off 512K --seed 6 --how mmap
	daxexer check $CELL/mmap --len 3M --off 512K --seed 6
}

# the host sees stores to a mapping, and loads from it see the host's writes, without any write-back
at_once() {
	in_window
	plain_mount_at dax=never
	file now 4M
	trace_on
	daxexer session $CELL <<-END
		open f now
		map m f 0 4M
		store m 64K 64K 21
		shell daxexer check $PLAIN/now --off 64K --len 64K --seed 21
		shell daxexer fill $PLAIN/now --off 2M --len 64K --seed 22
		load m 2M 64K 22
	END
	trace_off
	traced some "dax_(pte|pmd)_fault_done: .* shared WRITE.* NOPAGE"
	traced 0 "dax_writeback_one"
	umount $PLAIN
}

# the host sees writes through the window, and reads through the window see the host's writes
both_ways() {
	in_window
	plain_mount_at dax=never
	daxexer manifest $CELL >/tmp/manifest
	daxexer manifest $PLAIN --as $CELL | diff - /tmp/manifest
	daxexer fill $PLAIN/written --len 4M --seed 12
	daxexer check $CELL/written --len 4M --seed 12 --how mmap
	daxexer fill $CELL/written --off 1M --len 1M --seed 13 --how mmap
	umount $PLAIN
	plain_mount_at dax=never
	daxexer check $PLAIN/written --off 1M --len 1M --seed 13
	umount $PLAIN
}

program() { # run a program from the window
	in_window
	cp "$(command -v daxexer)" $CELL/program
	file program 16M
	daxexer isdax $CELL/program
	$CELL/program check $CELL/written --off 2M --len 2M --seed 12
}

# a file larger than the window: the kernel remaps parts of the window while the file is in use
larger() {
	in_window
	file large 96M
	daxexer isdax $CELL/large
	daxexer fill $CELL/large --len 96M --seed 14 --how mmap
	daxexer check $CELL/large --len 96M --seed 14
	daxexer check $CELL/large --len 96M --seed 14 --how mmap
	rm $CELL/large
}

mapsync() { # MAP_SYNC is refused: the guest cannot know if the data is on the host's medium
	in_window
	refused_for "Operation not supported" daxexer fill $CELL/written --len 1M --how mapsync
	umount $CELL
}

# Unbind and bind the device without a window. QEMU crashes if the device with the window is reset while
# files are mapped in it.
again() {
	_before=$(slab_objects dax_cache)
	_device=$(dmesg | sed -n 's/.*virtiofs \(virtio[0-9]*\): discovered new tag: plain.*/\1/p' | tail -n 1)
	for _round in 1 2 3; do
		echo "$_device" >$VIRTIO/unbind
		echo "$_device" >$VIRTIO/bind
	done
	want "dax_device objects" "$(slab_objects dax_cache)" "$_before"
}

at_end umount_all
[ -d $VIRTIO ] || modprobe -q virtiofs || { plan 1; it "virtiofs" skip "no virtiofs in this kernel"; finish; }
it "no window: dax=always is refused" refusal
it "no window: dax=never" without dax=never
it "no window: dax=inode" without dax=inode
it "window: dax=always" with_window
it "window: stores and the host's writes are seen at once" at_once
it "window: the host has the same files, either way" both_ways
it "window: a program runs" program
it "window: a file larger than it" larger
it "window: MAP_SYNC is refused" mapsync
it "no window: the device goes and comes back" again
finish
