#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Power off with the stack in use: the driver's shutdown callback runs, and the kernel log is clean.
# boot: main
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# timeout: 40
# last: yes
# shellcheck shell=dash
. ./ktap.sh

plan 2

leave() { # mounted and mapped when the guest powers off
	mkfs_on ext4 /dev/pmem0
	mkfs_on xfs /dev/pmem1
	mount_dax ext4 /dev/pmem0 $MNT/ext4
	mount_dax xfs /dev/pmem1 $MNT/xfs
	for _f in ext4 xfs; do
		daxexer fill $MNT/$_f/map --len 2M
		daxexer hammer map $MNT/$_f/map --len 2M --secs 60 >/dev/null 2>&1 &
		daxexer hammer write $MNT/$_f/write --len 2M --secs 60 >/dev/null 2>&1 &
	done
	usleep 500000
}
bound() {
	want "driver" "$(basename "$(readlink /sys/bus/nd/devices/namespace0.0/driver)")" nd_pmem
}
at_end :
fresh_stack pmem0 pmem1
it "filesystems mounted, mapped and written to" leave
it "the driver is bound" bound
# The runner reads the messages of the shutdown in the kernel log.
finish
