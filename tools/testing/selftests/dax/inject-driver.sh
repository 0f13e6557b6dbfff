#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Every allocation below the pmem driver and the e820 provider fails once, while modules are loaded, buses
# registered, and namespaces of each kind bound. "Call Trace:" is allowed because vmalloc() prints one
# when it fails (bdev_disk_changed); the first line of a warning is still reported.
# tier: full
# cmdline: memmap=128M!1G memmap=128M!1280M slab_debug=FZA kunit.enable=0
# mem: 2G
# smp: 1
# timeout: 900
# allow: Call Trace:
# shellcheck shell=dash
. ./ktap.sh
. ./inject-lib.sh
. ./inject-sites.sh

can_inject || { plan 1; it "faults can be injected" skip "not in this kernel"; finish; }
plan 10

PMEM=/sys/bus/nd/drivers/nd_pmem
E820=/sys/bus/platform/drivers/e820_pmem

# Bind a device while allocation N fails: either there is no disk and a second try makes one, or the driver
# tolerated the failure (a disk without partitions, or without notifications).
bound() { # DEVICE DISK N
	without "$3" sh -c "echo $1 >$PMEM/bind" || {
		none_of "/sys/block/$2" "/sys/bus/nd/devices/$1/driver"
		bind "$1"
	}
	need_disk "$2"
	daxexer read "/dev/$2" --direct 1
	unbind "$1"
	none_of "/sys/block/$2"
}
binding() { # DISK
	_device=$(namespace_of "$1")
	unbind "$_device"
	within pmem
	# if arch_add_memory() fails halfway, the memory stays added, with a warning
	spare arch_add_memory
	each bound "$_device" "$1"
	some
	bind "$_device"
	note
}

as() { # MODE DISK
	ndctl create-namespace -f -e namespace1.0 -m "$1" >/dev/null
	need_disk "$2"
	binding "$2"
}

# The info block has the mode of the namespace. If an allocation fails while the driver reads it, the
# driver must not bind the namespace as a raw disk.
claimed() { # N
	note
	without "$1" sh -c "echo namespace1.0 >$PMEM/bind" || :
	# libnvdimm itself treats an info block that it has no memory to read as absent
	grep -q '=> devm_kmalloc' $TRACING/trace || none_of /sys/bus/nd/devices/namespace1.0/driver
	settle
	ndctl disable-namespace namespace1.0 >/dev/null
}
info_block() { # MODE
	within pmem
	# async_schedule_node_domain() without memory calls the function at once, and libnvdimm deadlocks
	spare async_schedule_node_domain
	ndctl create-namespace -f -e namespace1.0 -m "$1" >/dev/null
	ndctl disable-namespace namespace1.0 >/dev/null
	each claimed
	some
	ndctl enable-namespace namespace1.0 >/dev/null
	ndctl list -n namespace1.0 | grep "\"mode\":\"$1\""
	note
}

# the provider removes a partly registered bus
registered() { # N
	note
	without "$1" sh -c "echo e820_pmem >$E820/bind" || {
		none_of /sys/bus/nd/devices/ndbus* /sys/block/pmem*
		echo e820_pmem >$E820/bind
	}
	settle
	# libnvdimm ignores the failure to name a region, so the region does not appear
	if ! grep -q '=> dev_set_name' $TRACING/trace; then
		for _d in pmem0 pmem1; do need_disk $_d; done
	fi
	echo e820_pmem >$E820/unbind
	none_of /sys/bus/nd/devices/ndbus* /sys/block/pmem*
}
provider() {
	within e820
	# if bus_probe_device() fails, the bus has no driver and cannot be removed; libnvdimm ignores that
	spare bus_probe_device
	echo e820_pmem >$E820/unbind
	each registered
	some
	echo e820_pmem >$E820/bind
	settle
	note
}

inserted() { # MODULE N
	without "$2" insmod "/modules/$1.ko" || {
		! loaded "$1" || fail "the module is loaded"
		insmod "/modules/$1.ko"
	}
	unload "$1"
}
module() { # NAME
	[ -e "/modules/$1.ko" ] || skip "the modules are not in /modules"
	unload nd_e820
	unload nd_pmem
	within init
	spare bus_probe_device
	each inserted "$1"
	some
	note "$1"
	load_stack
}

no_more_than() { [ "$(slab_objects "$1")" -le "$2" ]; }
nothing_lost() {
	unload_stack
	none_of /sys/block/pmem* /dev/pmem* /sys/bus/nd/devices/*
	if grep -E 'namespace|pfn[0-9]|btt[0-9]' /proc/iomem; then fail "resources left"; fi
	while read -r _cache _before; do
		until_true 5 no_more_than "$_cache" "$_before"
	done </tmp/objects
	load_stack
	need_disk pmem0
}

tidy() { record_off; clean_stack; }
at_end tidy

unload_stack
for _cache in dax_cache bdev_cache; do
	echo "$_cache $(slab_objects $_cache)"
done >/tmp/objects
fresh_stack pmem0 pmem1
arm
record
it "the bus of the provider" provider
it "the module of the provider" module nd_e820
it "the module of the driver" module nd_pmem
it "a namespace with page structs in memory" binding pmem0
it "a namespace with page structs in itself" as fsdax pmem1
it "a namespace with sectors" as sector pmem1s
it "an info block of page structs" info_block fsdax
it "an info block of sectors" info_block sector
it "every allocation was seen to fail" every_site nd_pmem nd_e820
record_off
it "nothing is lost" nothing_lost
finish
