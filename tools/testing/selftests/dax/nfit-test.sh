#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The drivers over nfit_test: DIMMs that are interleaved, have labels, poison and a passphrase, and are
# unplugged.
# boot: nfit-test
# cmdline: memmap=256M!1G
# mem: 2G
# root: yes
# timeout: 180
# shellcheck shell=dash
. ./ktap.sh
. ./debian.sh
. ./nfit-test-lib.sh

plan 12

end() {
	umount_debian
	unload_nfit_test
	use_ordinary_modules
}
at_end end

# symbols MODULE-FILE: print its symbols, "TYPE NAME" a line
symbols() {
	in_debian nm "$1" | sed 's/^[0-9a-f ]*//'
}

# A module that bypasses nfit_test's wrappers and calls vmlinux would access memory that does not exist.
replaced() {
	symbols "$SIMULATED_MODULES/nd_pmem.ko" >/tmp/symbols
	for _s in devm_memremap devm_memremap_pages __devm_request_region; do
		grep -x "U __wrap_$_s" /tmp/symbols || fail "nd_pmem does not call __wrap_$_s"
	done
	for _m in nd_pmem nd_e820 libnvdimm nfit; do
		_both=$(symbols "$SIMULATED_MODULES/$_m.ko" | sed -n 's/^U //p' | sed 's/^__wrap_//' | sort | uniq -d)
		want "what $_m calls besides its replacement" "$_both" ""
	done
}

overridden() { # nd_pmem calls __pmem_direct_access() of nfit_test, which maps simulated memory
	grep -x 'T __pmem_direct_access' /tmp/symbols || fail "the driver's own __pmem_direct_access is used"
	symbols /modules/nd_pmem.ko | grep -x 'W __pmem_direct_access' ||
		fail "__pmem_direct_access of the ordinary module cannot be overridden"
}

count() { [ -e "$1" ] || { echo 0; return; }; echo $#; }

topology() {
	load_nfit_test
	_b=$(bus_of nfit_test.0)
	want "DIMMs" "$(count "$_b"/nmem*)" 4
	want "DIMMs that each region interleaves" "$(cat "$_b"/region*/mappings | sort -n | tr '\n' ' ')" "2 4 "
	want "DIMMs of the other bus" "$(count "$(bus_of nfit_test.1)"/nmem*)" 2
	grep -q '(O' /proc/modules || fail "no module is from outside of the kernel's tree"
}

# region DIMMS: print the region of nfit_test.0 that interleaves that many DIMMs
region() {
	for _r in "$(bus_of nfit_test.0)"/region*; do
		[ "$(cat "$_r/mappings")" != "$1" ] || { echo "${_r##*/}"; return; }
	done
	fail "no region interleaves $1 DIMMs"
}

# create ARGUMENT...: make a namespace; set $ns to its name and $disk to its disk's
create() {
	ndctl create-namespace "$@" >/tmp/ns || { cat /tmp/ns; fail "create-namespace $*"; }
	cat /tmp/ns
	ns=$(sed -n 's/.*"dev":"\(namespace[0-9.]*\)".*/\1/p' /tmp/ns)
	disk=$(sed -n 's/.*"blockdev":"\([^"]*\)".*/\1/p' /tmp/ns)
	[ -z "$disk" ] || need_disk "$disk"
}

free_slots() { cat "$(bus_of nfit_test.0)"/nmem*/available_slots | paste -sd+ | bc; }

interleaved() { # each DIMM has a label; the kernel finds the namespace again by the labels
	blank_labels nfit_test.0
	_before=$(free_slots)
	create -m fsdax -a 4k -r "$(region 4)"
	want "labels written" $((_before - $(free_slots))) 4
	daxexer raw "/dev/$disk" --ops 100
	daxexer fill "/dev/$disk" --len 8M --seed 31 --how direct
	ndctl disable-region -b nfit_test.0 all
	none_of "/dev/$disk"
	ndctl enable-region -b nfit_test.0 all
	need_disk "$disk"
	daxexer check "/dev/$disk" --len 8M --seed 31 --how direct
	echo "$disk" >/tmp/disk
}

filesystem() { # FSTYPE: the page structs are on the simulated DIMMs
	disk=$(cat /tmp/disk)
	mkfs_on "$1" "/dev/$disk"
	mount_dax "$1" "/dev/$disk" $MNT/fs
	daxexer fill $MNT/fs/f --len 4M --seed 32
	daxexer check $MNT/fs/f --len 4M --seed 32
	umount $MNT/fs
	mount_dax "$1" "/dev/$disk" $MNT/fs
	daxexer check $MNT/fs/f --len 4M --seed 32
	umount $MNT/fs
	check_fs "$1" "/dev/$disk"
}

sector() { # a BTT
	create -m sector -r "$(region 2)"
	daxexer fill "/dev/$disk" --len 4M --seed 33 --how direct
	ndctl disable-namespace "$ns"
	none_of "/dev/$disk"
	ndctl enable-namespace "$ns"
	need_disk "$disk"
	daxexer check "/dev/$disk" --len 4M --seed 33 --how direct
	ndctl check-namespace --force "$ns"
	ndctl destroy-namespace -f "$ns"
}

scrub() { ndctl start-scrub nfit_test.0 && ndctl wait-scrub nfit_test.0; }

poison() { # the firmware reports poison, and the driver clears it by the firmware
	create -m raw -s 16M -r "$(region 2)"
	daxexer fill "/dev/$disk" --len 1M --seed 35 --how direct
	_bb=/sys/block/$disk/badblocks
	ndctl inject-error --block=42 --count=8 "$ns"
	scrub
	until_true 5 grep -qx '42 8' "$_bb" || { cat "$_bb"; fail "the driver has not found the poison"; }
	want "read" "$(daxexer read "/dev/$disk" --direct 1 --off $((42 * 512)) --len 512)" EIO
	want "read before" "$(daxexer read "/dev/$disk" --direct 1 --off $((41 * 512)) --len 512)" 512
	want "write" "$(daxexer write "/dev/$disk" --direct 1 --off $((40 * 512)) --len 8192)" 8192
	want "badblocks" "$(cat "$_bb")" ""
	scrub
	want "badblocks after another scrub" "$(cat "$_bb")" ""
	want "read" "$(daxexer read "/dev/$disk" --direct 1 --off $((42 * 512)) --len 512)" 512
	ndctl destroy-namespace -f "$ns"
}

security() { # the DIMM stays frozen afterwards
	ndctl disable-region -b nfit_test.0 all
	_n=$(cut -d, -f1 "$(bus_of nfit_test.0)/$(region 2)/mapping0")
	in_debian ./nfit-test-security "$_n"
}

busy() { # regions pin the module that simulates them
	refused rmmod nfit_test
	unload_nfit_test
	load_nfit_test
	want "DIMMs" "$(count "$(bus_of nfit_test.0)"/nmem*)" 4
	want "security" "$(cat "$(bus_of nfit_test.0)"/nmem*/security | sort -u)" disabled
}

hot_unplug() { # the bus is removed while its memory is mounted and read
	blank_labels nfit_test.0
	create -m fsdax -a 4k -r "$(region 4)"
	mkfs_on ext4 "/dev/$disk"
	mount_dax ext4 "/dev/$disk" $MNT/fs
	daxexer fill $MNT/fs/f --len 4M --seed 36
	daxexer hammer read $MNT/fs/f --len 4M --secs 20 >/tmp/hammer 2>&1 &
	_reader=$!
	sleep 1
	kill -0 $_reader
	echo nfit_test.0 >/sys/bus/platform/drivers/nfit_test/unbind
	wait $_reader
	cat /tmp/hammer
	none_of "/dev/$disk" /sys/bus/platform/drivers/nfit_test/nfit_test.0
	umount $MNT/fs
}

e820() { # the modules of nfit_test also drive real memory
	unload_nfit_test
	modprobe nd_e820
	modprobe nd_pmem
	cat "$(bus_of e820)/wait_probe" >/dev/null
	disk=$(basename "$(echo "$(bus_of e820)"/region*/namespace*/block/pmem*)")
	mkfs_on ext4 "/dev/$disk"
	mount_dax ext4 "/dev/$disk" $MNT/fs
	daxexer io $MNT/fs --files 1 --ops 100 --size 2M
	umount $MNT/fs
	zap "/dev/$disk"
}

unload_stack
use_nfit_test
mount_debian
it "the module calls what nfit_test replaces" replaced
it "nfit_test translates addresses" overridden
it "the simulated DIMMs and regions" topology
it "four interleaved DIMMs: labels on each" interleaved
it "ext4 -o dax on them" filesystem ext4
it "xfs -o dax on them" filesystem xfs
it "a sector namespace" sector
it "poison that firmware finds" poison
it "a passphrase: locked, unlocked, frozen" security
it "removed and loaded again" busy
it "the bus goes under a mounted filesystem" hot_unplug
it "the e820 provider of nfit_test" e820
finish
