#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Odd layouts: unaligned sizes, overlapping regions, regions without memory.
# boot: layout
# cmdline: memmap=66M!1G memmap=33000K!1120M memmap=4K!1168M memmap=64M!1200M memmap=64M!1232M memmap=64M!64G
# mem: 2G
# timeout: 60
# shellcheck shell=dash
. ./ktap.sh

plan 8

# disk_at ADDRESS: print the disk of the region that starts there
disk_at() {
	for _d in /sys/block/pmem*; do
		[ -e "$_d" ] || continue
		[ $(($(cat "$_d/device/resource"))) = $(($1)) ] && basename "$_d" && return 0
	done
	return 1
}
region_at() {
	for _r in /sys/bus/nd/devices/region*; do
		[ $(($(cat "$_r/resource"))) = $(($1)) ] && basename "$_r" && return 0
	done
	return 1
}
M=$((1 << 20))

regions() { # every persistent range of the memory map is a region of that size
	grep -i 'Persistent Memory' /proc/iomem | grep -v namespace >/tmp/ranges
	cat /tmp/ranges
	_n=0
	while read -r _range _rest; do
		_start=0x${_range%-*} _end=0x${_range#*-}
		_r=$(region_at "$_start") || fail "no region at $_start"
		want "size of $_r" "$(cat /sys/bus/nd/devices/"$_r"/size)" $((_end - _start + 1))
		_n=$((_n + 1))
	done </tmp/ranges
	want "regions" "$(ls -d /sys/bus/nd/devices/region* | wc -l)" $_n
}

odd_size() { # 66 MiB, which is no multiple of a memory section
	_d=$(disk_at $((1024 * M)))
	want "size" "$(bytes_of "$_d")" $((66 * M))
	daxexer raw "/dev/$_d" --off $((65 * M)) --len 1M --ops 100
	want "beyond" "$(daxexer write "/dev/$_d" --direct 1 --off $((66 * M)) --len 512)" ENOSPC
	mkfs_on ext4 "/dev/$_d"
	mount_dax ext4 "/dev/$_d" $MNT/odd
	daxexer io $MNT/odd --files 1 --ops 100 --size 2M
	# fill the filesystem to the last block
	dd if=/dev/zero of=$MNT/odd/fill bs=1M 2>/dev/null || :
	daxexer check $MNT/odd/fill --len 1M 2>/dev/null && fail "zeroes pass for a pattern"
	umount $MNT/odd
	check_fs ext4 "/dev/$_d"
}

refused_region() { # ADDRESS: there is a region without a disk, and the driver logs the reason
	region_at "$1" || fail "no region"
	! disk_at "$1" || fail "there is a disk"
	dmesg | grep "nd_pmem namespace.*$(printf %x "$1").*misaligned"
}

overlap() { # every byte belongs to exactly one region
	_i=0
	for _a in $((1200 * M)) $((1232 * M)) $((1264 * M)); do
		_d=$(disk_at $_a)
		want "size of $_d" "$(bytes_of "$_d")" $((32 * M))
		_i=$((_i + 1))
		daxexer fill "/dev/$_d" --len 32M --seed $_i --how direct
	done
	_i=0
	for _a in $((1200 * M)) $((1232 * M)) $((1264 * M)); do
		_i=$((_i + 1))
		daxexer check "/dev/$(disk_at $_a)" --len 32M --seed $_i --how direct
	done
}

no_memory() { # the region has no memory, so a disk must not appear to work
	if ! _d=$(disk_at $((64 * 1024 * M))); then
		dmesg | grep -E "(nd_pmem|e820).*(1000000000|namespace|region)"
		return 0
	fi
	daxexer fill "/dev/$_d" --len 1M --seed 1 --how direct
	refused daxexer check "/dev/$_d" --len 1M --seed 1 --how direct
	mkfs_on ext4 "/dev/$_d" || return 0
	mkdir -p $MNT/none
	refused mount -t ext4 -o dax=always "/dev/$_d" $MNT/none
}

others() { # the odd regions do not disturb a good one
	_d=$(disk_at $((1024 * M)))
	mount_dax ext4 "/dev/$_d" $MNT/odd
	daxexer io $MNT/odd --files 1 --ops 50 --size 2M
	umount $MNT/odd
}

reload() {
	for _i in 1 2 3 4 5; do
		unload_stack
		load_stack
		until_true 5 disk_at $((1024 * M))
	done
	others
}

cleanup() { umount_all; unload_stack; }
at_end cleanup
unload_stack
load_stack
until_true 5 disk_at $((1024 * M))
it "one region for each range" regions
it "66 MiB: works to its last byte" odd_size
it "33000 KiB: refused with a message" refused_region $((1120 * M))
it "4 KiB, less than a namespace: refused with a message" refused_region $((1168 * M))
it "overlapping ranges become regions that do not overlap" overlap
it "a region without memory does not pass for a disk" no_memory
it "a good region beside all these" others
it "load and unload with all these" reload
finish
