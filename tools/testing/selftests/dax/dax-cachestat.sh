#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# cachestat(2), which takes the entries of a DAX file for pages that were evicted: without memory cgroups
# it follows the number of a memory node in each of them.
# boot: dax-cachestat
# disks: 256M 256M
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M cgroup_disable=memory
# mem: 2G
# lanes: ctwin
# timeout: 90
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 4

# entries of all kinds and both sizes, clean, dirty, and of 2 MiB in part
STEPS='
	open f f new
	truncate f 16M
	write f 0 5M 1
	map m f 0 16M
	touch m 0 2M
	dirty m 2M 2M
	dirty m 4M 64K
	touch m 8M 64K
	touch m 10M 4K
	falloc f alloc 12M 2M
	dirty m 12M 4K'

survives() {
	ends_guest "workingset_test_recent() follows a NULL pointer"
	session "$1" <<-END
		$STEPS
		cachestat f 0 16M any
		cachestat f 0 0 any
		cachestat f 4K 3M any
		truncate f 2M+4K
		cachestat f 0 16M any
	END
}

# while faults lock entries, and truncations remove them
raced() {
	ends_guest "workingset_test_recent() follows a NULL pointer"
	daxexer race "$MNT/$1" --secs 3 --seed 1 &
	_race=$! _rounds=0
	while kill -0 $_race 2>/dev/null; do
		for _f in "$MNT/$1"/race.*; do
			[ ! -f "$_f" ] || session "$1" <<-END
				open f $_f
				$(for _i in $(seq 50); do echo "cachestat f 0 0 any"; done)
			END
		done
		_rounds=$((_rounds + 1))
	done
	wait $_race
	echo "$_rounds rounds"
}

with ext4 xfs
on "ext4 xfs" "cachestat() of entries of all kinds returns" survives
on "ext4 xfs" "cachestat() of files while they change" raced
finish
