#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# ext4 and xfs with -o dax: reads, writes, mappings, fallocate, truncate.
# boot: main
# disks: 256M 256M
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# lanes: all
# timeout: 120
# shellcheck shell=dash
. ./ktap.sh

plan 12

io() { # FSTYPE
	mkdir "$MNT/$1/io"
	daxexer io "$MNT/$1/io" --seed "$2" --files 2 --ops 400 --size 3M
}

# alignment.sh has every alignment of the buffer too
sizes() {
	daxexer align $MNT/ext4 --kind write --step 9
	daxexer align $MNT/xfs --kind read --step 9
}

patterns() { # FSTYPE: write in one way, read by mappings and by system calls
	_f=$MNT/$1/pattern
	for _how in pwrite dsync mmap mapsync; do
		daxexer fill "$_f" --len 6M --how $_how --seed 7 --chunk 50000
		daxexer check "$_f" --len 6M --how mmap --seed 7
		daxexer check "$_f" --len 6M --how pwrite --seed 7
		rm "$_f"
	done
}

# the data must be on the device, not in the page cache
on_device() { # FSTYPE DISK
	_f=$MNT/$1/mark
	daxexer fill "$_f" --len 64K --seed 99
	_byte=$(xfs_io -r -c "fiemap" "$_f" | awk '$2 ~ /\[/ { sub(/\.\..*/, "", $3); print $3; exit }')
	dd if="/dev/$2" of=/tmp/blk bs=512 skip="$_byte" count=128 iflag=direct 2>/dev/null
	daxexer check /tmp/blk --len 64K --seed 99
}

remount() { # FSTYPE DISK: unmount, check, mount again, compare the bytes
	daxexer manifest "$MNT/$1" >/tmp/manifest
	umount "$MNT/$1"
	check_fs "$1" "/dev/$2"
	mount_dax "$1" "/dev/$2" "$MNT/$1"
	rm "$MNT/$1/.dax"
	daxexer verify /tmp/manifest --only "$MNT/$1"
}

start() {
	mkfs_on ext4 /dev/$DISK0
	mkfs_on xfs /dev/$DISK1
	mount_dax ext4 /dev/$DISK0 $MNT/ext4
	mount_dax xfs /dev/$DISK1 $MNT/xfs
	rm $MNT/ext4/.dax $MNT/xfs/.dax
}

fresh_stack
it "mkfs and mount -o dax=always, DAX active in statx" start
it "ext4: random operations against a model" io ext4 11
it "xfs: random operations against a model" io xfs 12
it "sizes 0-300 at every alignment of the offset" sizes
it "ext4: user buffers that fault" daxexer fault $MNT/ext4
it "xfs: user buffers that fault" daxexer fault $MNT/xfs
it "ext4: patterns by calls and by mappings" patterns ext4
it "xfs: patterns by calls and by mappings" patterns xfs
it "ext4: data is on the device" on_device ext4 $DISK0
it "xfs: data is on the device" on_device xfs $DISK1
it "ext4: clean and complete after a remount" remount ext4 $DISK0
it "xfs: clean and complete after a remount" remount xfs $DISK1
finish
