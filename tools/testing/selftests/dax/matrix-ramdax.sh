#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The matrix, ramdax, which takes the memory of the e820 provider and has labels at its end.
# boot: matrix-virtio
# cmdline: memmap=384M!1G
# mem: 2G
# qemu: -object memory-backend-ram,id=vp0,size=384M,share=on -device virtio-pmem-pci,memdev=vp0,id=vp0
# lanes: ctwin stock
# tier: full
# timeout: 240
# shellcheck shell=dash
. ./ktap.sh
. ./provider-lib.sh
. ./matrix-lib.sh

plan 12

# nd_e820 binds to the platform device of the e820 map unless driver_override names another driver
firmware_memory_is_for() { echo "$1" >/sys/bus/platform/devices/e820_pmem/driver_override; }
load_ramdax() {
	firmware_memory_is_for ramdax
	load_providers
	provider ramdax
}
unload_ramdax() {
	unload_providers
	firmware_memory_is_for ""
}

start() {
	load_ramdax
	blank_labels
	ndctl create-namespace -m raw >/tmp/ndctl
	ns_field dev >$NS
}

from_labels() { # the namespace comes back from the labels in the memory alone
	unload_ramdax
	load_ramdax
	need_disk "$(ns_field blockdev)"
}
labelled_cell() {
	become fsdax/dev
	cell ext4 "$(the_disk)" dax from_labels
}

provided_by ramdax
at_end unload_ramdax
it "a region of ramdax" start
ns_cells "" raw:nodax sector:nodax fsdax/mem:dax fsdax/dev:dax
it "the labels bring it back" with_ns labelled_cell
finish
