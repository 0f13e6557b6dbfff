# SPDX-License-Identifier: GPL-2.0
# What fsync, msync and the like promise, asked of the checker that watches this guest's
# persistent memory. Then something on the way is left out, and the checker must say so.
# boot: persist
# cmdline: memmap=256M!1G memmap=256M!1280M norandmaps
# mem: 2G
# smp: 1
# watch: strict
# crate: persist-scenarios
# lanes: ctwin
# timeout: 240
# shellcheck shell=dash
. ./ktap.sh
. ./persist-lib.sh

plan $((2 * COUNT + 8))
load_stack
need_disk pmem0

without_write_cache() { # FILESYSTEM NAME
	echo 0 >/sys/block/pmem0/dax/write_cache
	_rc=0
	(lost "$@") || _rc=$?
	echo 1 >/sys/block/pmem0/dax/write_cache
	return $_rc
}

without_barriers() {
	umount $MNT/ext4
	fresh ext4 barrier=0
	lost ext4 "mmap stores, fsync"
}

for fs in ext4 xfs; do
	fresh $fs
	all_durable $fs
	it "$fs: a program without clwb is noticed" lost $fs "MAP_SYNC" --without clwb
	it "$fs: a program without sfence is noticed" lost $fs "MAP_SYNC" --without fence
	it "$fs: fsync without clwb is noticed" without_write_cache $fs "mmap stores, fsync"
	case $fs in
	ext4) it "$fs: fsync without sfence (barrier=0) is noticed" without_barriers ;;
	xfs) it "$fs: unshare without clwb is noticed" without_write_cache $fs "unshare" ;;
	esac
	umount $MNT/$fs
	zap /dev/pmem0
done
finish
