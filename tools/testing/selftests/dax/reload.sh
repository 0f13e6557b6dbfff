#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Loading and unloading the stack 50 times leaks nothing.
# boot: main
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# timeout: 300
# shellcheck shell=dash
. ./ktap.sh

plan 5

N=50
meminfo() { awk -v k="$1:" '$1 == k { print $2 }' /proc/meminfo; }
# print the free pages in per-CPU lists, in KiB: MemFree leaves these out, up to 40 MiB
listed() { awk '$1 == "count:" { n += $2 } END { print n * 4 }' /proc/zoneinfo; }
state() {
	echo 3 >/proc/sys/vm/drop_caches
	usleep 300000
	# free the slabs without objects, or the figure depends on earlier scripts
	for _cache in /sys/kernel/slab/*; do
		[ -L "$_cache" ] || echo 1 >"$_cache/shrink"
	done
	echo "dax_cache $(slab_objects dax_cache) 0"
	echo "bdev_cache $(slab_objects bdev_cache) 2"
	echo "kernfs_node_cache $(slab_objects kernfs_node_cache) $((N / 2))"
	echo "Slab-KiB $(meminfo Slab) $((N * 6))"
	echo "vmalloc-KiB $(meminfo VmallocUsed) $((N * 3))"
	echo "used-KiB $(($(meminfo MemTotal) - $(meminfo MemFree) - $(listed))) $((N * 40))"
	echo "iomem-lines $(grep -c . /proc/iomem) 0"
}
leftovers() {
	grep -E 'namespace|pfn[0-9]|btt[0-9]' /proc/iomem && fail "resources left in /proc/iomem"
	none_of /sys/block/pmem* /dev/pmem* /sys/bus/nd/devices/*
}

round() {
	load nd_pmem
	load nd_e820
	need_disk pmem0
	need_disk pmem1
	daxexer write /dev/pmem0 --direct 1 >/dev/null
	unload nd_e820
	unload nd_pmem
}

# the first rounds fill caches that persist
warm() {
	load libnvdimm
	load nd_btt
	for _i in 1 2 3 4 5 6 7 8 9 10; do round; done
	leftovers
	state >/tmp/state.before
	cat /tmp/state.before
}

reload() {
	_i=0
	while [ $_i -lt $N ]; do
		round || fail "round $_i"
		_i=$((_i + 1))
	done
}

compare() {
	state >/tmp/state.after
	leftovers
	_bad=0
	# name, value, and by how much it may grow without being a leak
	while read -r _name _value _slack; do
		_was=$(sed -n "s/^$_name \([0-9]*\) .*/\1/p" /tmp/state.before)
		echo "$_name: $_was before, $_value after $N rounds, $_slack tolerated"
		[ $((_value - _was)) -le "$_slack" ] || _bad=1
	done </tmp/state.after
	[ $_bad = 0 ] || fail "a figure grows in every round"
}

kmemleak() {
	[ -e /sys/kernel/debug/kmemleak ] || skip "no kmemleak in this kernel"
	echo scan >/sys/kernel/debug/kmemleak
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	_l=$(cat /sys/kernel/debug/kmemleak)
	[ -z "$_l" ] || { echo "$_l"; fail "leaks"; }
}

again() { # the stack still works afterwards
	load_stack
	need_disk pmem0
	mkfs_on ext4 /dev/pmem0
	mount_dax ext4 /dev/pmem0 $MNT/ext4
	daxexer io $MNT/ext4 --ops 50 --files 1 --size 1M
	umount $MNT/ext4
}

unload_stack
it "ten rounds to fill caches, nothing left over" warm
it "$N rounds" reload
it "no object, memory or resource lost" compare
it "kmemleak finds nothing" kmemleak
it "the stack still works" again
finish
