#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Module references: a disk in use pins its driver's module.
# boot: main
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# lanes: stock
# timeout: 40
# shellcheck shell=dash
. ./ktap.sh

plan 6

opened() {
	exec 9</dev/pmem0
	refused rmmod nd_pmem
	daxexer read /dev/pmem0 --direct 1
	exec 9<&-
}

mounted() {
	mkfs_on ext4 /dev/pmem0
	mount_dax ext4 /dev/pmem0 $MNT/ext4
	refused rmmod nd_pmem
	daxexer fill $MNT/ext4/f
	daxexer check $MNT/ext4/f
	umount $MNT/ext4
}

# no module reference remains after the last user has closed the disk
idle() {
	for _i in 1 2 3; do
		dd if=/dev/pmem0 of=/dev/null bs=64k count=4 2>/dev/null
	done
	until_true 5 test "$(cat /sys/module/nd_pmem/refcnt)" = 0
	refused rmmod nd_e820 # the regions are enabled
	unload nd_e820
	until_true 5 rmmod nd_pmem
	[ ! -e /sys/block/pmem0 ] || fail "/sys/block/pmem0 outlives the driver"
	[ ! -e /dev/pmem0 ] || fail "/dev/pmem0 outlives the driver"
}

# the driver can be unloaded and loaded while the bus stays
driver_alone() {
	load_stack
	need_disk pmem0
	rmmod nd_pmem
	[ ! -e /sys/block/pmem0 ] || fail "/sys/block/pmem0 outlives the driver"
	[ -e /sys/bus/nd/devices/region0 ] || fail "the region went with the driver"
	load nd_pmem
	need_disk pmem0
	mount_dax ext4 /dev/pmem0 $MNT/ext4
	daxexer check $MNT/ext4/f
	umount $MNT/ext4
}

# load pmem before e820, and e820 before pmem
orders() {
	unload nd_e820; unload nd_pmem
	load nd_e820
	load nd_pmem
	need_disk pmem0
	unload nd_e820; unload nd_pmem
	load nd_pmem
	load nd_e820
	need_disk pmem0
}

identity() {
	[ -d /sys/bus/nd/drivers/nd_pmem ] || fail "the driver is not called nd_pmem"
	want "driver of namespace0.0" \
		"$(basename "$(readlink /sys/bus/nd/devices/namespace0.0/driver)")" nd_pmem
	want "provider" "$(cat /sys/bus/nd/devices/ndbus0/provider)" e820
	[ -d /sys/bus/platform/drivers/e820_pmem ] || fail "no platform driver e820_pmem"
	want "module of the driver" \
		"$(basename "$(readlink /sys/bus/nd/drivers/nd_pmem/module)")" nd_pmem
	for _a in pmem 'nd:t4*' 'nd:t5*'; do
		modinfo -F alias /modules/nd_pmem.ko 2>/dev/null | grep -qxF "$_a" ||
		strings -n 3 /modules/nd_pmem.ko | grep -qxF "alias=$_a" || fail "no alias $_a"
	done
}

fresh_stack pmem0 pmem1
it "rmmod nd_pmem is refused while the disk is open" opened
it "rmmod nd_pmem is refused while a filesystem is mounted" mounted
it "rmmod works once nobody uses the disk" idle
it "the pmem driver alone can be taken away and come back" driver_alone
it "either order of loading" orders
it "names that tools rely on" identity
finish
