#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Poison appears while memory is read, written and mapped.
# boot: inject
# disks: 256M 256M 128M 128M
# reload: yes
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# timeout: 120
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh
. ./hammer-lib.sh
. ./poison-lib.sh

plan 6

# sector FILE PAGE: print the device's sector of that page
sector() {
	xfs_io -r -c fiemap "$1" | tr -d '[]:' | sed 's/\.\./ /g' |
		awk -v at=$(($2 * 8)) '$2 <= at && at <= $3 { print $4 + at - $2 }'
}

# only the page with poison gives errors, until a write clears the poison
comes_and_goes() { # NAME
	_bb=/sys/block/$(basename "$(device "$1")")/badblocks
	daxexer fill "$MNT/$1/bad" --len 256K --seed 12
	sync
	daxexer poisoned "$MNT/$1/bad" "$_bb" "$(sector "$MNT/$1/bad" 17)" --page 17 \
		--rounds 4 --ops 40 --patience $((60 * PATIENCE))
	want "badblocks" "$(cat "$_bb")" ""
	daxexer check "$MNT/$1/bad" --len 256K --seed 12 --how mmap
}

# a page fails in one process while others work on other files
breaks() { # NAME
	for _f in read map; do daxexer fill "$MNT/$1/$_f" --len 2M; done
	hammers "$MNT/$1" read write map sync
	page_breaks "$1" broken
	usleep 500000
	for _k in read write map sync; do
		[ ! -s /tmp/hammer.$_k.status ] || { cat /tmp/hammer.$_k; fail "$_k has ended"; }
	done
	killall daxexer
	wait
	synced "$MNT/$1" sync
}

with ext4 xfs
on "ext4 xfs" "a bad page under readers, writers and mappings" comes_and_goes
on "ext4 xfs" "a page that breaks under load on other files" breaks
it "ext4: the metadata is in order" eval "umount $MNT/ext4 && check_fs ext4 /dev/$DISK0"
it "xfs: the metadata is in order" eval "umount $MNT/xfs && check_fs xfs /dev/$DISK1"
finish
