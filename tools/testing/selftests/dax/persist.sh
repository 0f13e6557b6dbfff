#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The checker that watches this guest's persistent memory verifies that data is durable after fsync, msync
# and the like. Then a step is left out, and the checker must report that.
# boot: persist
# cmdline: memmap=256M!1G memmap=256M!1280M norandmaps
# mem: 2G
# smp: 1
# watch: strict
# crate: persist-scenarios
# lanes: ctwin
# timeout: 300
# shellcheck shell=dash
. ./ktap.sh
. ./persist-lib.sh

plan $((2 * ($(scenarios dax) + $(scenarios any)) + $(scenarios device) + 11))
load_stack
need_disk pmem0
quiet

without_barriers() {
	umount $MNT/ext4
	fresh ext4 barrier=0
	lost dax "mmap stores, fsync" $MNT/ext4
}

for fs in ext4 xfs; do
	fresh $fs
	all_durable $fs dax $MNT/$fs
	all_durable $fs any $MNT/$fs
	it "$fs: a program without clwb is noticed" lost dax "MAP_SYNC" $MNT/$fs --without clwb
	it "$fs: a program without sfence is noticed" lost dax "MAP_SYNC" $MNT/$fs --without fence
	it "$fs: fsync without clwb is noticed" without_write_backs pmem0 dax "mmap stores, fsync" $MNT/$fs
	it "$fs: metadata without a flush is noticed" without_flushes pmem0 any "renamed over" $MNT/$fs
	case $fs in
	ext4) it "$fs: fsync without sfence (barrier=0) is noticed" without_barriers ;;
	xfs) it "$fs: unshare without clwb is noticed" without_write_backs pmem0 dax "unshare" $MNT/$fs ;;
	esac
	umount $MNT/$fs
	zap /dev/pmem0
done
all_durable device device /dev/pmem0
it "device: writes without a flush are noticed" without_flushes pmem0 device "direct writes, fsync" /dev/pmem0
finish
