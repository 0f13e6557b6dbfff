#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The matrix, xfs with a real-time device: a file has DAX if its own device, data or
# real-time, has DAX.
# boot: matrix
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# root: yes
# lanes: ctwin stock
# tier: full
# timeout: 200
# shellcheck shell=dash
. ./ktap.sh
. ./matrix-lib.sh

plan 7

make() { # DATA RT
	leave_nothing
	zap "$1"
	zap "$2"
	mkfs.xfs -q -f -m reflink=0,rmapbt=0 -r rtdev="$2" "$1"
}
rt_mount() { # DATA RT
	mkdir -p $CELL
	mount -t xfs -o dax=always,rtdev="$2" "$1" $CELL
	mkdir -p $CELL/data $CELL/rt
	xfs_io -c 'chattr +t' $CELL/rt # files in this directory are real-time files
	touch $CELL/rt/probe $CELL/data/probe
	xfs_io -r -c 'lsattr' $CELL/rt/probe | grep -q '^r' || fail "no real-time file"
}

# lies FILE DEV: that device has the first page of the file, at the block that fiemap reports
lies() {
	dd if="$2" of=/tmp/there bs=512 skip="$(first_sector "$1")" count=8 iflag=direct 2>/dev/null
	dd if="$1" of=/tmp/file bs=4k count=1 2>/dev/null
	cmp /tmp/there /tmp/file
}

both() {
	make /dev/pmem0 /dev/pmem1
	rt_mount /dev/pmem0 /dev/pmem1
	for _f in data rt; do
		daxexer isdax $CELL/$_f/probe
		use $CELL/$_f dax
		daxexer fill $CELL/$_f/file --len 1M --seed 9 --how mapsync
	done
	lies $CELL/data/file /dev/pmem0
	lies $CELL/rt/file /dev/pmem1
	refused lies $CELL/rt/file /dev/pmem0
	refused lies $CELL/data/file /dev/pmem1
}

# poison of one device does not affect the same sector of the other
poison() {
	_s=$(first_sector $CELL/rt/file)
	dd if=/dev/pmem0 of=/tmp/page bs=512 skip="$_s" count=8 iflag=direct
	echo "$_s 8" >/sys/block/pmem0/badblocks
	want "read" "$(daxexer read $CELL/rt/file)" 4096
	umount $CELL
	dd if=/tmp/page of=/dev/pmem0 bs=4k seek=$((_s / 8)) count=1 oflag=direct conv=notrunc
	want "badblocks" "$(cat /sys/block/pmem0/badblocks)" ""
	rt_mount /dev/pmem0 /dev/pmem1
	echo "$_s 8" >/sys/block/pmem1/badblocks
	want "read" "$(daxexer read $CELL/rt/file)" EIO
	want "load (135 is SIGBUS)" "$(set +e; daxexer peek $CELL/rt/file >/dev/null 2>&1; echo $?)" 135
	daxexer fill $CELL/rt/file --len 4096 --seed 9
	want "badblocks" "$(cat /sys/block/pmem1/badblocks)" ""
	daxexer check $CELL/rt/file --len 1M --seed 9
}

kept() {
	remember $CELL
	renew_disks pmem0 pmem1
	xfs_repair -n -r /dev/pmem1 /dev/pmem0
	rt_mount /dev/pmem0 /dev/pmem1
	daxexer check $CELL/rt/file --len 1M --seed 9 --how mmap
	compare $CELL
}

loop() { # a loop device of the size of the pmem devices
	truncate -s 384M /tmp/loop
	losetup /dev/loop0 /tmp/loop
}
# one device has DAX, the other has none: DAX differs by file
mixed() { # DATA RT WITH WITHOUT
	make "$1" "$2"
	rt_mount "$1" "$2"
	daxexer isdax "$CELL/$3/probe"
	refused daxexer isdax "$CELL/$4/probe"
	use "$CELL/$3" dax
	use "$CELL/$4" nodax
	remember $CELL
	rt_mount "$1" "$2"
	compare $CELL
	xfs_repair -n -r "$2" "$1"
}

none() { # neither device has DAX: xfs logs that, and mounts without
	truncate -s 384M /tmp/loop1
	losetup /dev/loop1 /tmp/loop1
	make /dev/loop0 /dev/loop1
	log_mark
	rt_mount /dev/loop0 /dev/loop1
	log_says "DAX unsupported by block device"
	refused daxexer isdax $CELL/rt/probe
	umount $CELL
	losetup -d /dev/loop1
	losetup -d /dev/loop0
	rm /tmp/loop /tmp/loop1
}

fresh_stack pmem0 pmem1
modprobe -q loop || :
if zcat /proc/config.gz 2>/dev/null | grep -q '^# CONFIG_XFS_RT is'; then echo "# no XFS_RT"; fi
it "both devices with DAX: each file on its own" both
it "poison: each file has that of its own device" poison
it "remounted, both devices having been away" kept
it "a device without DAX" loop
it "data with DAX, real-time without" mixed /dev/pmem0 /dev/loop0 data rt
it "real-time with DAX, data without" mixed /dev/loop0 /dev/pmem1 rt data
it "neither with DAX" none
finish
