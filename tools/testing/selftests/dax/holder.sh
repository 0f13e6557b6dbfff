#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Two filesystems want to hold one dax_device.
# boot: main
# disks: 384M
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# lanes: ctwin core
# timeout: 60
# shellcheck shell=dash
. ./ktap.sh

plan 6

parts() {
	# two partitions of 190 MiB, page aligned
	mbr /dev/$DISK0 2048 389120 393216 389120
	need_disk ${DISK0}p1
	need_disk ${DISK0}p2
}

# xfs supports no reflink with DAX on a partition
XFS_META=reflink=0,rmapbt=1

first() {
	mkfs_on xfs /dev/${DISK0}p1
	mkfs_on xfs /dev/${DISK0}p2
	mount_dax xfs /dev/${DISK0}p1 $MNT/one
	daxexer fill $MNT/one/data --len 1M --seed 1
}

# xfs becomes the holder of the whole dax_device: a second mount cannot, and
# continues without DAX
second() {
	mkdir -p $MNT/two
	log_mark
	mount -t xfs -o dax=always /dev/${DISK0}p2 $MNT/two
	log_says "${DISK0}p2.*DAX unsupported"
	touch $MNT/two/file
	refused daxexer isdax $MNT/two/file
	daxexer fill $MNT/two/file --len 1M --seed 4
	umount $MNT/two
	daxexer check $MNT/one/data --len 1M --seed 1
}

# ext4 registers no holder, so it can share the device with xfs
shared() {
	mkfs_on ext4 /dev/${DISK0}p2
	mount_dax ext4 /dev/${DISK0}p2 $MNT/two
	daxexer fill $MNT/two/data --len 1M --seed 2
	daxexer check $MNT/one/data --len 1M --seed 1
	daxexer check $MNT/two/data --len 1M --seed 2
	umount $MNT/two
}

# after the holder is unmounted, the other filesystem can become the holder
released() {
	umount $MNT/one
	mkfs_on xfs /dev/${DISK0}p2
	mount_dax xfs /dev/${DISK0}p2 $MNT/two
	daxexer fill $MNT/two/data --len 1M --seed 3 --how mmap
	umount $MNT/two
	mount_dax xfs /dev/${DISK0}p1 $MNT/one
	daxexer check $MNT/one/data --len 1M --seed 1
	umount $MNT/one
}

no_leak() {
	needs_machine
	_before=$(cat /tmp/dax-objects)
	zap /dev/$DISK0
	unload_stack
	for _i in 1 2 3 4 5 6 7 8 9 10; do
		_now=$(slab_objects dax_cache)
		[ "$_now" -le "$_before" ] && break
		usleep 200000
	done
	want "dax_device objects after the stack is gone" "$_now" "$_before"
}

if owns_machine; then
	unload_stack
	slab_objects dax_cache >/tmp/dax-objects
fi
fresh_stack
it "two partitions of one pmem disk" parts
it "xfs on the first one, -o dax" first
it "xfs on the second one gets no DAX, the first one goes on" second
it "ext4 on the second one, -o dax, beside xfs" shared
it "the holder that leaves makes room for the next" released
it "no dax_device is left behind" no_leak
finish
