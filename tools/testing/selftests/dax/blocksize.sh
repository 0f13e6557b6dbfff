#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Filesystems whose block size is not the page size: no DAX, and no data is lost.
# boot: main
# disks: 256M
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# timeout: 40
# shellcheck shell=dash
. ./ktap.sh

plan 4

small_blocks() { # FSTYPE MKFS... (device last)
	_fs=$1; shift
	zap /dev/$DISK0
	"$@" /dev/$DISK0
	mkdir -p $MNT/fs
	mount -t "$_fs" /dev/$DISK0 $MNT/fs
	daxexer fill $MNT/fs/data --len 4M --seed 61
	umount $MNT/fs
	log_mark
	# the mount fails or has no DAX
	if mount -t "$_fs" -o dax=always /dev/$DISK0 $MNT/fs; then
		refused daxexer isdax $MNT/fs/data
		daxexer check $MNT/fs/data --len 4M --seed 61
		umount $MNT/fs
	fi
	log_says "[Bb]lock ?size|DAX"
	mount -t "$_fs" /dev/$DISK0 $MNT/fs
	daxexer check $MNT/fs/data --len 4M --seed 61
	umount $MNT/fs
	check_fs "$_fs" /dev/$DISK0
}

fresh_stack
it "ext4, 1 KiB" small_blocks ext4 mkfs.ext4 -q -F -b 1024
it "ext4, 2 KiB" small_blocks ext4 mkfs.ext4 -q -F -b 2048
it "xfs, 1 KiB" small_blocks xfs mkfs.xfs -q -f -b size=1024
it "xfs, sectors of 512 bytes and blocks of 2 KiB" small_blocks xfs mkfs.xfs -q -f -s size=512 -b size=2048
finish
