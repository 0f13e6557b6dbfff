#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The matrix, e820: every mode of its namespaces.
# boot: matrix
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# root: yes
# lanes: ctwin stock
# tier: full
# timeout: 240
# shellcheck shell=dash
. ./ktap.sh
. ./matrix-lib.sh

plan 12

# a cell notices a page that changes while its device is unbound
spoil() {
	mount_dax ext4 /dev/pmem0 $CELL
	_s=$(first_sector $CELL/mapped)
	umount $CELL
	dd if=/dev/urandom of=/dev/pmem0 bs=4k seek=$((_s / 8)) count=1 conv=notrunc oflag=direct
	renew_disk
}
spoilt() {
	become raw
	(cell ext4 /dev/pmem0 dax spoil) >/tmp/spoilt 2>&1 &
	if wait $!; then fail "the cell did not notice the changed page"; fi
	grep "instead of .* $CELL/mapped" /tmp/spoilt
}

fresh_stack pmem0 pmem1
echo namespace0.0 >$NS
ns_cells "" raw:dax sector:nodax fsdax/mem:dax fsdax/dev:dax
it "raw again: ext4" ns_cell raw ext4 dax
it "a page of a file that has changed meanwhile" spoilt
finish
