#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Partitions with an alignment that DAX can use, and without.
# boot: main
# disks: 384M
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# timeout: 60
# shellcheck shell=dash
. ./ktap.sh

plan 6

M=2048 # sectors in a MiB

table() {
	# aligned | unaligned start | unaligned length | odd length at the end
	mbr /dev/$DISK0 $M $((64 * M)) \
		$((80 * M + 3)) $((64 * M)) \
		$((160 * M)) $((64 * M + 5)) \
		$((240 * M)) $((40 * M))
	for _p in 1 2 3 4; do need_disk ${DISK0}p$_p; done
}

aligned() {
	mkfs_on ext4 /dev/${DISK0}p1
	mount_dax ext4 /dev/${DISK0}p1 $MNT/p1
	daxexer io $MNT/p1 --files 1 --ops 150 --size 2M
	# the bytes are at the offset of the partition table
	daxexer fill $MNT/p1/mark --len 64K --seed 4
	umount $MNT/p1
	dd if=/dev/$DISK0 of=/tmp/by-disk bs=1M skip=1 count=12 iflag=direct 2>/dev/null
	dd if=/dev/${DISK0}p1 of=/tmp/by-part bs=1M count=12 iflag=direct 2>/dev/null
	cmp /tmp/by-disk /tmp/by-part
	rm /tmp/by-disk /tmp/by-part
}

unaligned() { # PARTITION
	mkfs_on ext4 "/dev/$1"
	log_mark
	refused mount -t ext4 -o dax=always "/dev/$1" $MNT/ext4
	log_says "$1: error: unaligned partition for dax"
	log_says "EXT4-fs.*$1.*DAX unsupported"
	# the partition works without DAX
	mount -t ext4 "/dev/$1" $MNT/ext4
	daxexer fill $MNT/ext4/f --len 3M --seed 8
	umount $MNT/ext4
	mount -t ext4 "/dev/$1" $MNT/ext4
	daxexer check $MNT/ext4/f --len 3M --seed 8
	refused daxexer isdax $MNT/ext4/f
	umount $MNT/ext4
	check_fs ext4 "/dev/$1"
}

blocks() { # block I/O with odd segments at unaligned offsets
	mkdir -p $MNT/ext4
	daxexer raw /dev/${DISK0}p2 --off 512 --len 3000320 --ops 100
	daxexer raw /dev/${DISK0}p3 --off $((60 << 20)) --len 2097152 --ops 100
}

end_of_device() { # I/O to the last sectors of disk and partition works, beyond it fails
	for _d in $DISK0 ${DISK0}p3; do
		_b=$(bytes_of $_d)
		want "last sector of $_d" "$(daxexer write /dev/$_d --direct 1 --off $((_b - 512)) --len 512)" 512
		want "read over the end of $_d" "$(daxexer read /dev/$_d --direct 1 --off $((_b - 512)) --len 4096)" 512
		want "write beyond $_d" "$(daxexer write /dev/$_d --direct 1 --off "$_b" --len 512)" ENOSPC
	done
}

mkdir -p $MNT/ext4
fresh_stack
it "a partition table on a pmem disk" table
it "aligned partition: ext4 -o dax" aligned
it "partition that starts off a page: refused for DAX, fine without" unaligned ${DISK0}p2
it "partition of odd length: refused for DAX, fine without" unaligned ${DISK0}p3
it "block I/O at odd sectors" blocks
it "the end of the device" end_of_device
finish
