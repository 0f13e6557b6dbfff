#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Persistent memory of the ACPI NFIT table, with labels and without.
# boot: nfit
# mem: 2G
# qemu: -object memory-backend-ram,id=nv0,size=384M -device nvdimm,id=n0,memdev=nv0,label-size=128K
# qemu: -object memory-backend-ram,id=nv1,size=256M -device nvdimm,id=n1,memdev=nv1
# timeout: 60
# shellcheck shell=dash
. ./ktap.sh
. ./provider-lib.sh

plan 7

start() {
	load_providers
	provider ACPI.NFIT
	blank_labels
	two_regions
}

# no labels: the region is one namespace_io; the kernel makes page structs for it
# only if it has an info block that asks for them
without_labels() {
	_d=$(ls "/sys/bus/nd/devices/$(whole_namespace)/block")
	want size "$(bytes_of "$_d")" $((256 << 20))
	echo "$_d" >/tmp/disk
	daxexer raw "/dev/$_d" --ops 100
	mkfs_on ext4 "/dev/$_d"
	mkdir -p $MNT/ext4
	log_mark
	refused mount -t ext4 -o dax=always "/dev/$_d" $MNT/ext4
	log_says "DAX unsupported"
	mount -t ext4 "/dev/$_d" $MNT/ext4
	daxexer fill $MNT/ext4/f --len 2M
	daxexer check $MNT/ext4/f --len 2M
	umount $MNT/ext4
}

with_pages() { # an info block, page structs on the device
	_d=$(cat /tmp/disk)
	_ns=$(namespace_of "$_d")
	ndctl create-namespace -f -e "$_ns" -m fsdax -M dev >/tmp/ns0
	settle
	_d=$(sed -n 's/.*"blockdev":"\([^"]*\)".*/\1/p' /tmp/ns0)
	need_disk "$_d"
	mkfs_on ext4 "/dev/$_d"
	mount_dax ext4 "/dev/$_d" $MNT/ext4
	daxexer io $MNT/ext4 --files 1 --ops 150 --size 2M
	daxexer fill $MNT/ext4/data --len 4M --seed 83
	umount $MNT/ext4
	echo "$_d" >/tmp/disk
}

# labels: make two namespaces of the free space of one region
labels() {
	_r=$(labelled_region)
	[ -n "$_r" ] || fail "no region with free space"
	ndctl create-namespace -r "$_r" -m fsdax -M dev -s 160M -n first >/tmp/ns1
	ndctl create-namespace -r "$_r" -m raw -s 64M -n second >/tmp/ns2
	settle
	_d=$(sed -n 's/.*"blockdev":"\([^"]*\)".*/\1/p' /tmp/ns1)
	_e=$(sed -n 's/.*"blockdev":"\([^"]*\)".*/\1/p' /tmp/ns2)
	echo "$_d $_e" >/tmp/labelled
	need_disk "$_d"; need_disk "$_e"
	want "size of the raw one" "$(bytes_of "$_e")" $((64 << 20))
	daxexer fill "/dev/$_e" --len 4M --seed 82 --how direct
	mkfs_on ext4 "/dev/$_d"
	mount_dax ext4 "/dev/$_d" $MNT/one
	daxexer io $MNT/one --files 1 --ops 150 --size 2M
	daxexer fill $MNT/one/data --len 4M --seed 81 --how mapsync
	umount $MNT/one
	daxexer check "/dev/$_e" --len 4M --seed 82 --how direct
}

again() { # the kernel finds the same namespaces again by their labels
	read -r _d _e </tmp/labelled
	unload_providers
	load_providers
	need_disk "$_d"; need_disk "$_e"
	mount_dax ext4 "/dev/$_d" $MNT/one
	daxexer check $MNT/one/data --len 4M --seed 81
	umount $MNT/one
	daxexer check "/dev/$_e" --len 4M --seed 82 --how direct
}

flush() { # the disk has the region's flags
	_d=$(cat /tmp/disk)
	daxexer write "/dev/$_d" --direct 1 --sync 1
	daxexer fill "/dev/$_d" --len 1M --how dsync
	cat /sys/block/"$_d"/queue/fua /sys/block/"$_d"/dax/write_cache
	# a write to the region's attribute flushes the region
	for _f in /sys/bus/nd/devices/region*/deep_flush; do
		[ -e "$_f" ] || continue
		echo 1 >"$_f" || echo "$_f: nothing to flush with"
	done
	daxexer check "/dev/$_d" --len 1M --how direct
}

together() { # without e820 ranges, nd_e820 registers no region and does not disturb the others
	load nd_e820
	settle
	mount_dax ext4 "/dev/$(cat /tmp/disk)" $MNT/ext4
	daxexer check $MNT/ext4/data --len 4M --seed 83 --how mmap
	umount $MNT/ext4
	unload nd_e820
}

provided_by nfit
it "the regions of the firmware's table" start
it "without labels: a raw disk, no DAX" without_labels
it "with labels: fsdax and raw in one region" labels
it "the labels bring them back" again
it "flushes" flush
it "without labels: an fsdax namespace, ext4 -o dax" with_pages
it "beside an e820 provider without regions" together
finish
