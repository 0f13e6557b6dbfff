#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Device mapper on top: linear, stripe, writecache.
# boot: main
# disks: 384M 384M
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# lanes: ctwin
# timeout: 90
# shellcheck shell=dash
. ./ktap.sh

plan 10

make() { # NAME: table from standard input
	dmsetup create "$1"
	[ -b "/dev/mapper/$1" ] || dmsetup mknodes
}

stack_io() { # FSTYPE NAME
	_d=/dev/mapper/$2
	mkfs_on "$1" "$_d"
	mount_dax "$1" "$_d" "$MNT/$2"
	daxexer io "$MNT/$2" --files 1 --ops 200 --size 3M --seed 31
	daxexer fill "$MNT/$2/large" --len 8M --seed 5
	daxexer check "$MNT/$2/large" --len 8M --seed 5 --how mmap
	daxexer fill "$MNT/$2/mapped" --len 4M --seed 6 --how mapsync
	daxexer manifest "$MNT/$2" >/tmp/manifest
	umount "$MNT/$2"
	check_fs "$1" "$_d"
	mount_dax "$1" "$_d" "$MNT/$2"
	daxexer verify /tmp/manifest
	umount "$MNT/$2"
	dmsetup remove "$2"
}

linear() { # FSTYPE: two halves of different devices
	_s=$(smaller $DISK0 $DISK1)
	_half=$((_s / 2))
	printf '%s\n' "0 $_half linear /dev/$DISK1 0" "$_half $((_half - 4096)) linear /dev/$DISK0 2048" | make linear
	stack_io "$1" linear
}

stripe() { # FSTYPE CHUNK
	_s=$(smaller $DISK0 $DISK1)
	echo "0 $((_s * 2)) striped 2 $2 /dev/$DISK0 0 /dev/$DISK1 0" | make stripe
	stack_io "$1" stripe
}

# each page of the mapped device would straddle two pages of the pmem device
shifted() {
	echo "0 262144 linear /dev/$DISK0 1" | make shifted
	mkfs_on ext4 /dev/mapper/shifted
	mkdir -p $MNT/shifted
	mount -t ext4 /dev/mapper/shifted $MNT/shifted
	daxexer fill $MNT/shifted/f --len 3M --seed 8
	daxexer check $MNT/shifted/f --len 3M --seed 8
	umount $MNT/shifted
	check_fs ext4 /dev/mapper/shifted
}
shifted_dax() {
	mount -t ext4 -o dax=always,ro /dev/mapper/shifted $MNT/shifted || return 0
	umount $MNT/shifted
	fail "mounted: DAX and block I/O would see different data"
}

# load another table under a mounted filesystem
reload() {
	echo "0 262144 linear /dev/$DISK0 0" | make moving
	mkfs_on ext4 /dev/mapper/moving
	mount_dax ext4 /dev/mapper/moving $MNT/moving
	daxexer fill $MNT/moving/f --len 4M --seed 3
	dmsetup suspend moving
	echo "0 524288 linear /dev/$DISK0 0" | dmsetup reload moving
	dmsetup resume moving
	daxexer check $MNT/moving/f --len 4M --seed 3 --how mmap
	daxexer fill $MNT/moving/g --len 4M --seed 4 --how mmap
	daxexer check $MNT/moving/g --len 4M --seed 4
	umount $MNT/moving
	dmsetup remove moving
}

# dm-writecache maps its cache device by dax_direct_access(), and flushes the caches itself
writecache() {
	dmsetup targets | grep -q writecache || skip "no dm-writecache in this kernel"
	zap /dev/$DISK1
	echo "0 262144 writecache p /dev/$DISK0 /dev/$DISK1 4096 0" | make cached
	daxexer fill /dev/mapper/cached --len 1M --seed 13 --how direct
	daxexer check /dev/mapper/cached --len 1M --seed 13 --how direct
	daxexer fill /dev/mapper/cached --off 8M --len 8M --seed 12
	dmsetup message cached 0 flush
	daxexer check /dev/mapper/cached --off 8M --len 8M --seed 12 --how direct
	dmsetup remove cached
	daxexer check /dev/$DISK0 --off 8M --len 8M --seed 12 --how direct
}

no_leak() {
	needs_machine
	for _d in $DISK0 $DISK1; do zap /dev/$_d; done
	unload_stack
	for _i in 1 2 3 4 5 6 7 8 9 10; do
		_now=$(slab_objects dax_cache)
		[ "$_now" -le "$(cat /tmp/dax-objects)" ] && break
		usleep 200000
	done
	want "dax_device objects after the stack is gone" "$_now" "$(cat /tmp/dax-objects)"
}

if owns_machine; then
	unload_stack
	slab_objects dax_cache >/tmp/dax-objects
fi
load dm-mod 2>/dev/null
fresh_stack
it "dm-linear over two devices: ext4 -o dax" linear ext4
it "dm-linear over two devices: xfs -o dax" linear xfs
it "dm-stripe, chunk of a page: ext4 -o dax" stripe ext4 8
it "dm-stripe, chunk of 2 MiB: ext4 -o dax" stripe ext4 4096
it "dm-stripe, chunk of 2 MiB: xfs -o dax" stripe xfs 4096
it "dm-linear shifted by 512 bytes: fine without DAX" shifted
it "dm-linear shifted by 512 bytes: refused for DAX" shifted_dax
dmsetup remove shifted
it "table reload under a mounted filesystem" reload
it "dm-writecache on pmem" writecache
it "no dax_device is left behind" no_leak
finish
