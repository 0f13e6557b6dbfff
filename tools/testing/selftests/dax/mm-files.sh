#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The kernel's selftests of mm that work on files, in a DAX directory on ext4 and on xfs.
# boot: mm
# cmdline: memmap=384M!1G memmap=384M!1472M numa=fake=2
# mem: 2G
# timeout: 1200
# tier: full
# selftests: mm
# shellcheck shell=dash
. ./ktap.sh
. ./mm-lib.sh

# memory-failure is the last, as it poisons memory
PROGRAMS='cow guard-regions gup_longterm gup_test khugepaged map_populate merge pagemap_ioctl rmap
	split_huge_page_test memory-failure'
# shellcheck disable=SC2086 # words
set -- $PROGRAMS
plan $(($# * 2))

on_both() { # PROGRAM
	it "ext4: $1" selftest ext4 "$1"
	it "xfs: $1" selftest xfs "$1"
}

fresh_stack pmem0 pmem1
: >/tmp/mm-record
mkfs_on ext4 /dev/pmem0
mount_dax ext4 /dev/pmem0 $MNT/ext4
mkfs_on xfs /dev/pmem1
mount_dax xfs /dev/pmem1 $MNT/xfs
for program; do on_both "$program"; done
! grep -q mm.record /proc/cmdline || sed 's/^/record: /' /tmp/mm-record
finish
