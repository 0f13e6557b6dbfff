#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Copies of 0 to 300 bytes at every alignment of file offset and user buffer.
# boot: main
# disks: 384M 384M
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# timeout: 90
# shellcheck shell=dash
. ./ktap.sh

plan 3

start() {
	mkfs_on ext4 /dev/$DISK0
	mkfs_on xfs /dev/$DISK1
	mount_dax ext4 /dev/$DISK0 $MNT/ext4
	mount_dax xfs /dev/$DISK1 $MNT/xfs
}

fresh_stack
it "mkfs and mount" start
it "writes to ext4" daxexer align $MNT/ext4 --kind write
it "reads from xfs" daxexer align $MNT/xfs --kind read
finish
