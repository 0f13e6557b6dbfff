#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Namespace modes through ndctl: raw, fsdax, sector, devdax, back and forth.
# boot: main
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# lanes: stock pmem
# timeout: 120
# shellcheck shell=dash
. ./ktap.sh

plan 12

NS=namespace0.0
mode() { # NDCTL-ARGUMENTS: reconfigure the namespace
	ndctl create-namespace -f -e $NS "$@" >/tmp/ndctl || { cat /tmp/ndctl; return 1; }
	settle
}
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",]*\).*/\1/p" /tmp/ndctl | head -n 1; }

fs_io() { # DISK
	zap "/dev/$1"
	mkfs_on ext4 "/dev/$1"
	mount_dax ext4 "/dev/$1" $MNT/ext4
	daxexer io $MNT/ext4 --files 1 --ops 150 --size 3M
	daxexer fill $MNT/ext4/data --len 8M --seed 21
	umount $MNT/ext4
}
fs_kept() { # DISK
	mount_dax ext4 "/dev/$1" $MNT/ext4
	daxexer check $MNT/ext4/data --len 8M --seed 21 --how mmap
	umount $MNT/ext4
	check_fs ext4 "/dev/$1"
}

raw() {
	mode -m raw
	need_disk pmem0
	want size "$(bytes_of pmem0)" $((384 << 20))
	fs_io pmem0
	fs_kept pmem0
	zap /dev/pmem0
}

fsdax_dev() { # the page structs are on the device: it has less capacity, and the data is shifted
	mode -m fsdax -M dev
	need_disk pmem0
	want map "$(field map)" dev
	[ "$(bytes_of pmem0)" -lt $((384 << 20)) ] || fail "no room taken for page structs"
	want "dax" "$(cat /sys/block/pmem0/queue/dax)" 1
	fs_io pmem0
	_ns=$(namespace_of pmem0)
	want "what the disk belongs to" "${_ns%%.*}" pfn0
}

fsdax_kept() { # the driver finds the namespace again by its info block
	ndctl disable-namespace $NS
	[ ! -e /sys/block/pmem0 ] || fail "the disk is still there"
	ndctl enable-namespace $NS
	need_disk pmem0
	fs_kept pmem0
	# also after the modules were unloaded
	unload_stack
	load_stack
	need_disk pmem0
	fs_kept pmem0
}

fsdax_poison() { # sectors in badblocks count from the start of the data, not of the namespace
	echo 64 8 >/sys/block/pmem0/badblocks
	want "read" "$(daxexer read /dev/pmem0 --direct 1 --off 32768)" EIO
	want "read beside" "$(daxexer read /dev/pmem0 --direct 1 --off 36864)" 4096
	daxexer write /dev/pmem0 --direct 1 --off 32768
	want "badblocks" "$(cat /sys/block/pmem0/badblocks)" ""
}

fsdax_end() { # the last block of the disk lies within the device
	_b=$(bytes_of pmem0)
	daxexer raw /dev/pmem0 --off $((_b - 1048576)) --len 1M --ops 60
	want "beyond" "$(daxexer write /dev/pmem0 --direct 1 --off "$_b" --len 512)" ENOSPC
	mkfs_on xfs /dev/pmem0
	mount_dax xfs /dev/pmem0 $MNT/xfs
	daxexer io $MNT/xfs --files 1 --ops 100 --size 2M
	umount $MNT/xfs
}

fsdax_mem() {
	mode -m fsdax -M mem
	need_disk pmem0
	want map "$(field map)" mem
	fs_io pmem0
	ndctl disable-namespace $NS
	ndctl enable-namespace $NS
	need_disk pmem0
	fs_kept pmem0
}

sector() { # nd_pmem leaves the namespace to nd_btt; writes are atomic, and there is no DAX
	mode -m sector -l 4096
	need_disk pmem0s
	[ "$(cat /sys/block/pmem0s/queue/dax 2>/dev/null || echo 0)" = 0 ] || fail "a BTT with DAX"
	mkfs_on ext4 /dev/pmem0s
	mkdir -p $MNT/ext4
	refused mount -t ext4 -o dax=always /dev/pmem0s $MNT/ext4
	mount -t ext4 /dev/pmem0s $MNT/ext4
	daxexer fill $MNT/ext4/data --len 8M --seed 22
	umount $MNT/ext4
	ndctl disable-namespace $NS
	ndctl enable-namespace $NS
	need_disk pmem0s
	mount -t ext4 /dev/pmem0s $MNT/ext4
	daxexer check $MNT/ext4/data --len 8M --seed 22
	umount $MNT/ext4
	check_fs ext4 /dev/pmem0s
	# a read-only region makes the BTT's disk read-only
	echo 1 >/sys/bus/nd/devices/region0/read_only
	want "ro" "$(cat /sys/block/pmem0s/ro)" 1
	echo 0 >/sys/bus/nd/devices/region0/read_only
	want "ro" "$(cat /sys/block/pmem0s/ro)" 0
}

devdax() {
	load_devdax
	mode -m devdax
	until_true 5 test -c /dev/dax0.0
	for _o in 0 2M 64M; do
		daxexer fill /dev/dax0.0 --off $_o --len 4M --how mmap --seed 23
		daxexer check /dev/dax0.0 --off $_o --len 4M --how mmap --seed 23
	done
	# a second mapping sees the stores of the first, and the bytes around them are unchanged
	daxexer fill /dev/dax0.0 --off 2M --len 2M --how mmap --seed 24
	daxexer check /dev/dax0.0 --off 2M --len 2M --how mmap --seed 24
	daxexer check /dev/dax0.0 --off 4M --len 2M --how mmap --seed 23
	refused daxexer check /dev/dax0.0 --off 4K --len 2M --how mmap
	want "pread of a device-dax" "$(daxexer read /dev/dax0.0)" EINVAL
}

devdax_gone() { # the namespace is disabled while it is mapped
	(set +e; daxexer hammer map /dev/dax0.0 --len 4M --secs 20 >/tmp/hammer 2>&1
	 echo $? >/tmp/hammer.status) &
	until_true 5 grep -q started /tmp/hammer
	ndctl disable-namespace $NS
	until_true 10 test -s /tmp/hammer.status
	want "status of the mapper (135 is SIGBUS)" "$(cat /tmp/hammer.status)" 135
	[ ! -e /dev/dax0.0 ] || fail "/dev/dax0.0 is still there"
	ndctl enable-namespace $NS
	until_true 5 test -c /dev/dax0.0
	daxexer check /dev/dax0.0 --off 64M --len 4M --how mmap --seed 23
}

fsdev() { # fsdev_dax, another driver for the same dax device, sets and clears the operations
	load fsdev_dax || skip "no fsdev_dax in this kernel"
	for _i in 1 2 3; do
		echo dax0.0 >/sys/bus/dax/drivers/device_dax/unbind
		# writing a new ID binds the device at once; a known ID needs an explicit bind
		echo dax0.0 >/sys/bus/dax/drivers/fsdev_dax/new_id || :
		want "driver" "$(basename "$(readlink /sys/bus/dax/devices/dax0.0/driver)")" fsdev_dax
		echo dax0.0 >/sys/bus/dax/drivers/fsdev_dax/unbind
		echo dax0.0 >/sys/bus/dax/drivers/fsdev_dax/remove_id || :
		echo dax0.0 >/sys/bus/dax/drivers/device_dax/bind
		daxexer check /dev/dax0.0 --off 64M --len 4M --how mmap --seed 23
	done
}

back() {
	mode -m raw
	need_disk pmem0
	want size "$(bytes_of pmem0)" $((384 << 20))
	daxexer raw /dev/pmem0 --ops 50
}

fresh_stack pmem0 pmem1
it "raw" raw
it "fsdax, map on the device" fsdax_dev
it "fsdax is found again, data intact" fsdax_kept
it "fsdax: poison at the right place" fsdax_poison
it "fsdax: the end of the disk, xfs" fsdax_end
it "fsdax, map in memory" fsdax_mem
it "sector (BTT)" sector
it "devdax: stores and loads through mappings" devdax
it "devdax taken away under a mapping: SIGBUS, data intact" devdax_gone
it "device-dax and fsdev take turns" fsdev
it "back to raw" back

no_leak() {
	zap /dev/pmem0
	unload_stack
	none_of /sys/block/pmem* /dev/pmem* /dev/dax*
	grep -E 'namespace|dax[0-9]|pfn' /proc/iomem && fail "resources left"
	:
}
it "nothing is left" no_leak
finish
