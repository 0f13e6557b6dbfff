#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Poison, injected through sysfs, gives errors at its sectors, and writes clear it.
# boot: main
# disks: 384M..4G
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# lanes: ctwin stock pmem
# timeout: 60
# shellcheck shell=dash
. ./ktap.sh

plan 14

poison() { echo "$1 $2" >$BB; }
list() { tr '\n' ';' <$BB; }
cured() { want "badblocks" "$(list)" ""; }

block_read() {
	poison 1000 3
	want "list" "$(list)" "1000 3;"
	want "read before" "$(daxexer read /dev/$DISK0 --direct 1 --off $((990 * 512)) --len 5120)" 5120
	want "read across" "$(daxexer read /dev/$DISK0 --direct 1 --off $((1000 * 512 - 512)) --len 1024)" EIO
	want "read of the last bad sector" "$(daxexer read /dev/$DISK0 --direct 1 --off $((1002 * 512)) --len 512)" EIO
	want "read behind" "$(daxexer read /dev/$DISK0 --direct 1 --off $((1003 * 512)) --len 512)" 512
}

block_write() {
	want "write" "$(daxexer write /dev/$DISK0 --direct 1 --off $((1001 * 512)) --len 512)" 512
	want "list after the middle was written" "$(list)" "1000 1;1002 1;"
	want "write" "$(daxexer write /dev/$DISK0 --direct 1 --off $((996 * 512)) --len 4096)" 4096
	cured
	want "read" "$(daxexer read /dev/$DISK0 --direct 1 --off $((996 * 512)) --len 4096)" 4096
}

notification() {
	poison 2000 8
	daxexer notify $BB 5 daxexer write /dev/$DISK0 --direct 1 --off $((2000 * 512)) --len 4096
	cured
}

start() { # FSTYPE
	mkfs_on "$1" /dev/$DISK0
	mount_dax "$1" /dev/$DISK0 $MNT/fs
	daxexer fill $MNT/fs/file --len 4M --seed 6
	sync
}

# sector OFFSET: print the device's sector of that byte of the file
sector() {
	xfs_io -r -c fiemap $MNT/fs/file | tr -d '[]:' | sed 's/\.\./ /g' |
		awk -v at=$(($1 / 512)) '$2 <= at && at <= $3 { print $4 + at - $2 }'
}

AT=$((256 * 1024)) # byte in the file
damage() {
	poison "$(sector $AT)" 8
}

file_read() {
	damage
	want "pread" "$(daxexer read $MNT/fs/file --off $AT)" EIO
	want "pread of one byte" "$(daxexer read $MNT/fs/file --off $((AT + 100)) --len 1)" EIO
	want "pread of the page before" "$(daxexer read $MNT/fs/file --off $((AT - 4096)))" 4096
	want "pread of the page behind" "$(daxexer read $MNT/fs/file --off $((AT + 4096)))" 4096
}

status() { set +e; "$@" >/dev/null 2>&1; echo $?; }
map_read() {
	want "load (status; 135 is SIGBUS)" "$(status daxexer peek $MNT/fs/file --off $AT)" 135
	want "store (status)" "$(status daxexer poke $MNT/fs/file --off $((AT + 5)))" 135
	want "load from the next page" "$(status daxexer peek $MNT/fs/file --off $((AT + 4096)))" 0
}

# a write of less than a page cannot clear its poison
partial_write() {
	_r=$(daxexer write $MNT/fs/file --off $((AT + 100)) --len 100)
	case "$_r" in EIO | EFAULT) ;; *) fail "pwrite of 100 bytes: $_r" ;; esac
	[ -n "$(list)" ] || fail "the poison went away"
}

whole_write() {
	daxexer notify $BB 5 daxexer fill $MNT/fs/file --off $AT --len 4096 --seed 6
	cured
	daxexer check $MNT/fs/file --len 4M --seed 6
	daxexer check $MNT/fs/file --len 4M --seed 6 --how mmap
}

# a longer write clears the poison in its middle
long_write() {
	damage
	daxexer fill $MNT/fs/file --len 4M --seed 7
	cured
	daxexer check $MNT/fs/file --len 4M --seed 7
}

punch() {
	damage
	xfs_io -c "fpunch $AT 4096" $MNT/fs/file
	want "a hole reads" "$(daxexer read $MNT/fs/file --off $AT)" 4096
	umount $MNT/fs
	# the block is free: block I/O clears its poison
	dd if=/dev/zero of=/dev/$DISK0 bs=1M count=$(($(bytes_of $DISK0) >> 20)) oflag=direct 2>/dev/null
	cured
}

zeroed() {
	damage
	# zeroing has to keep the rest of the page, which cannot be read
	xfs_io -c "fzero $((AT + 8)) 64" $MNT/fs/file 2>&1 | grep "Input/output error"
	[ -n "$(list)" ] || fail "the poison went away"
	daxexer fill $MNT/fs/file --len 4M --seed 7
	cured
	umount $MNT/fs
}

bad_input() {
	refused sh -c "echo 'a b' >$BB"
	refused sh -c "echo '5' >$BB"
	cured
}

fresh_stack
BB=/sys/block/$DISK0/badblocks
it "badblocks takes nonsense for nonsense" bad_input
it "block reads of bad sectors fail, of their neighbours not" block_read
it "block writes make bad sectors good" block_write
it "sysfs reports the change of badblocks" notification
it "ext4 -o dax on it" start ext4
it "pread: EIO in the bad page only" file_read
it "mapping: SIGBUS in the bad page only" map_read
it "a write of a part of the page fails" partial_write
it "a write of the whole page recovers it, sysfs reports it" whole_write
it "a long write over it recovers it" long_write
it "a part of a bad page cannot be zeroed" zeroed
it "xfs -o dax on it" start xfs
it "xfs: pread: EIO in the bad page only" file_read
it "xfs: write recovers; punch takes the page away" eval "whole_write && punch"
finish
