#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The scenarios of persist.sh on other devices: memory of the NFIT table, device-mapper targets over two
# such devices, and a BTT. On each device a step is left out, and the checker must report that.
# boot: persist-devices
# cmdline: norandmaps
# mem: 2G
# smp: 1
# qemu: -object memory-backend-ram,id=nv0,size=256M -device nvdimm,id=n0,memdev=nv0
# qemu: -object memory-backend-ram,id=nv1,size=256M -device nvdimm,id=n1,memdev=nv1
# watch: strict
# crate: persist-scenarios
# tier: full
# timeout: 600
# shellcheck shell=dash
. ./ktap.sh
. ./provider-lib.sh
. ./matrix-lib.sh
. ./persist-lib.sh

BLOCKS=$(($(scenarios device) + 1))
WITH_DAX=$((BLOCKS + 2 * ($(scenarios dax) + $(scenarios any) + 2)))
WITH_BTT=$((BLOCKS + 2 * ($(scenarios any) + 1)))
plan $((4 + 3 * WITH_DAX + WITH_BTT))

# /tmp/disk-N has the name of the Nth region's disk
start() {
	load_providers
	quiet
	two_regions
	_n=0
	for _r in /sys/bus/nd/devices/region*; do
		_n=$((_n + 1))
		persist-scenarios watch $_r
		(cd $_r && echo namespace*.*) >/tmp/ns-$_n
	done
	turn_into 1 fsdax/mem
	turn_into 2 fsdax/dev
}
turn_into() { # N MODE
	NS=/tmp/ns-$1
	become $2
	ns_field blockdev >/tmp/disk-$1
}
disk() { cat /tmp/disk-$1; }

# use chunks of 2 MiB, so that a fault can map 2 MiB
map_linear() { printf '0 204800 linear /dev/%s 4096\n204800 204800 linear /dev/%s 0\n' "$(disk 1)" "$(disk 2)" | dm_make linear; }
map_striped() { echo "0 409600 striped 2 4096 /dev/$(disk 1) 0 /dev/$(disk 2) 0" | dm_make striped; }

# a mapped device takes the flag from the disks below it when its table is loaded
write_caches() { # NAME 0|1
	for _n in 1 2; do
		echo $2 >/sys/block/$(disk $_n)/dax/write_cache
	done
	if [ -e /dev/mapper/$1 ]; then
		dmsetup remove $1
		map_$1
	fi
}

unflushed() { # NAME FILESYSTEM DEVICE DIR
	write_caches $1 0
	_rc=0
	(fresh_on $2 $3 $4 dax=always && lost dax "mmap stores, fsync" $4) || _rc=$?
	umount $4
	write_caches $1 1
	return $_rc
}

# run the scenarios of block I/O, and of both filesystems
on_dax() { # NAME DEVICE
	local disk dir fs
	disk=$(lsblk -dno KNAME $2)
	all_durable $1 device $2
	it "$1: writes without a flush are noticed" without_flushes $disk device "direct writes, fsync" $2
	for fs in ext4 xfs; do
		dir=$MNT/$1-$fs
		fresh_on $fs $2 $dir dax=always
		all_durable "$1, $fs" dax $dir
		all_durable "$1, $fs" any $dir
		it "$1, $fs: metadata without a flush is noticed" without_flushes $disk any "renamed over" $dir
		umount $dir
		it "$1, $fs: fsync without clwb is noticed" unflushed $1 $fs $2 $dir
		zap $2
	done
}

on_btt() { # DEVICE
	local dir fs
	all_durable BTT device $1
	it "BTT: writes without fences are noticed" lost device "direct writes, fsync" $1 --without-fences
	for fs in ext4 xfs; do
		dir=$MNT/btt-$fs
		fresh_on $fs $1 $dir defaults
		all_durable "BTT, $fs" any $dir
		it "BTT, $fs: metadata without fences is noticed" lost any "renamed over" $dir --without-fences
		umount $dir
		zap $1
	done
}

leave() {
	leave_nothing
	unload_providers
}

provided_by nfit
at_end leave
load dm-mod 2>/dev/null
it "the regions of the firmware's table" start
on_dax nfit /dev/$(disk 2)
for map in linear striped; do
	it "$map" map_$map
	on_dax $map /dev/mapper/$map
	dmsetup remove $map
done
it "BTT" turn_into 2 sector
on_btt /dev/$(disk 2)
finish
