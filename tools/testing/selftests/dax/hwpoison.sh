#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Memory fails under a mapping: the driver notifies the holder of the dax_device.
# boot: hwpoison
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# timeout: 60
# shellcheck shell=dash
. ./ktap.sh

plan 7

# page structs before the data: an offset in the disk differs from that in the namespace
shifted() {
	ndctl create-namespace -f -e namespace1.0 -m fsdax -M dev >/dev/null
	settle
	need_disk pmem1
	zap /dev/pmem1
}

start() { # FSTYPE DISK
	mkfs_on "$1" "/dev/$2"
	mount_dax "$1" "/dev/$2" "$MNT/$1"
	for _f in good bad; do daxexer fill "$MNT/$1/$_f" --len 64K --seed 71 --how pwrite; done
	sync
}

status() { set +e; "$@"; echo "status $?"; }

# The process that maps the page gets SIGBUS; other data can be read, and the machine goes on.
broken() { # FSTYPE
	log_mark
	status daxexer hwpoison "$MNT/$1/bad" --off 8192 >/tmp/broken 2>&1
	cat /tmp/broken
	grep -q 'status 135' /tmp/broken || fail "no SIGBUS"
	log_says "Memory failure.*(killing|recovery action for dax page|Sending SIGBUS)"
	daxexer check "$MNT/$1/good" --len 64K --seed 71 --how mmap
	daxexer fill "$MNT/$1/new" --len 64K --seed 72 --how mmap
	daxexer check "$MNT/$1/new" --len 64K --seed 72
}


gone() { # FSTYPE DISK: the driver can be unbound and bound again, and the filesystem is intact
	umount "$MNT/$1"
	_ns=$(namespace_of "$2")
	unbind "$_ns"
	bind "$_ns"
	need_disk "$2"
	mount_dax "$1" "/dev/$2" "$MNT/$1"
	daxexer check "$MNT/$1/good" --len 64K --seed 71
	umount "$MNT/$1"
}

raw_again() {
	umount_all
	ndctl create-namespace -f -e namespace1.0 -m raw >/dev/null
	settle
	clean_stack
}
at_end raw_again

fresh_stack pmem0 pmem1
it "ext4 and its files" start ext4 pmem0
it "ext4: SIGBUS in the broken page, all else goes on" broken ext4
it "ext4: unbind and bind again" gone ext4 pmem0
it "a namespace with page structs on the device" shifted
it "xfs and its files" start xfs pmem1
it "xfs: SIGBUS in the broken page, all else goes on" broken xfs
it "xfs: unbind and bind again" gone xfs pmem1
finish
