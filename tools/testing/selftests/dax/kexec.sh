#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The kernel starts another one in its place (kexec), with filesystems mounted. That one finds the devices,
# and every synced byte. The script runs twice: init of the second kernel begins again, and only then are
# there results. Documentation/kernel-options.rst has more.
# cmdline: memmap=128M!1G memmap=128M!1152M memmap=64M!1280M
# disks: 100M 100M 60M
# reload: yes
# mem: 2G
# image: yes
# tier: full
# timeout: 120
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

# not fresh_stack, which empties the disks: the second kernel finds what is on them
expected_disks
name_disks

IMAGE=/boot/bzImage
INITRD=/run/initrd

# what the second kernel has to find: synced data in mounted filesystems, and a device full of a pattern
write_all() {
	load_stack
	for _n in ext4 xfs; do
		need_disk "$(basename "$(device $_n)")"
		zap "$(device $_n)"
		mkfs_dax $_n
		mount_dax $_n "$(device $_n)" "$MNT/$_n"
		daxexer tree "$MNT/$_n" --files 20 --seed 5
		daxexer fill "$MNT/$_n/stored" --len 4M --how mapsync --seed 6
		sync
		# these lists go to the second kernel in its initramfs
		daxexer manifest "$MNT/$_n" >"/etc/$_n.manifest"
	done
	need_disk $DISK2
	daxexer fill /dev/$DISK2 --len "$(bytes_of $DISK2)" --how direct --seed 7
}

# make the second kernel's initramfs of all files of this guest, and jump
jump() {
	(cd / && find . -xdev ! -path './boot/*' ! -path './run/*' ! -path './tmp/*' | cpio -o -H newc >$INITRD)
	daxexer kexec $IMAGE $INITRD "$(cat /proc/cmdline) kexec=second"
}

start_second() {
	write_all
	sync
	jump
}

devices() { # the regions have the same places and sizes
	load_stack
	for _d in $DISKS; do need_disk "$_d"; done
	want "bytes of $DISK2" "$(bytes_of $DISK2)" $((64 << 20))
}

files() { # the log is replayed, and all files are there
	mount_dax "$1" "$(device "$1")" "$MNT/$1"
	daxexer verify "/etc/$1.manifest" --only "$MNT/$1"
	daxexer check "$MNT/$1/stored" --len 4M --seed 6
}

raw() { # neither kernel put anything into persistent memory
	daxexer check /dev/$DISK2 --len "$(bytes_of $DISK2)" --seed 7
}

# a kernel that cannot start another one, and a failure before it does, end the script here
first_kernel() {
	[ ! -e /proc/config.gz ] || zcat /proc/config.gz | grep -q '^CONFIG_KEXEC_FILE=y' ||
		skip_all "this kernel has no CONFIG_KEXEC_FILE"
	(set -e; start_second) >"$KTAP_LOG" 2>&1
	plan 6
	it "the first kernel starts a second one" fail "$(cat "$KTAP_LOG")"
	finish
}

grep -q 'kexec=second' /proc/cmdline || first_kernel
plan 6
it "the second kernel finds the devices" devices
it "it put nothing into persistent memory" raw
on "ext4 xfs" "all files are there" files
on "ext4 xfs" "in order and complete after a remount" consistent
finish
