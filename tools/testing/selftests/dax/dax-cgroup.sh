#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What control groups see of DAX files. Documentation/kernel-options.rst has a table.
# boot: dax
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# disks: 256M 256M 128M
# mem: 2G
# lanes: ctwin
# timeout: 60
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 8

CGROUP=/sys/fs/cgroup

# in_group NAME COMMAND...: run the command in a control group
in_group() {
	needs_option BLK_CGROUP
	mountpoint -q $CGROUP || mount -t cgroup2 none $CGROUP
	echo '+memory +io' >$CGROUP/cgroup.subtree_control || skip "there are no controllers of version 2"
	_group=$CGROUP/$1
	mkdir -p "$_group"
	shift
	# shellcheck disable=SC2016 # expanded by the inner shell
	sh -c 'echo 0 >"$1/cgroup.procs" && shift && exec "$@"' sh "$_group" "$@"
}

# file_memory GROUP FIELD: print the MiB of memory.stat
file_memory() { awk -v field="$2" '$1 == field { print int($2 / 1048576) }' "$CGROUP/$1/memory.stat"; }

# written_by GROUP DEVICE: print the MiB of io.stat that the group wrote to the device
written_by() {
	_number=$(cat "/sys/class/block/$2/dev")
	tr ' ' '\n' <"$CGROUP/$1/io.stat" | awk -v device="$_number" '
		/:/ { found = $0 == device }
		found && sub(/^wbytes=/, "") { print int($0 / 1048576); said = 1 }
		END { if (!said) print 0 }'
}

# Page cache that another group has would not count.
no_cache() {
	sync
	echo 1 >/proc/sys/vm/drop_caches
}

# write_in GROUP DIR [new]: write and store 32 MiB to a file from that group
write_in() {
	in_group "$1" daxexer session "$2" <<-END
		open f counted ${3:-}
		write f 0 16M 1
		truncate f 32M
		map m f 0 32M
		store m 16M 16M 1
	END
}

cached() { # the same without DAX: the group has the page cache, and the writes of its writeback
	mkdir -p "$MNT/cached"
	mkfs.ext4 -q -F -b 4096 /dev/$DISK2
	mount -o dax=never /dev/$DISK2 "$MNT/cached"
	write_in cached "$MNT/cached" new
	want "MiB of page cache" "$(file_memory cached file)" 32
	in_group cached xfs_io -c fsync "$MNT/cached/counted"
	[ "$(written_by cached $DISK2)" -ge 32 ] || fail "only $(written_by cached pmem2) MiB written"
	umount "$MNT/cached"
}

# New blocks are zeroed by the block layer, which counts that. So the file has its blocks beforehand.
not_counted() { # no page cache, and no writes of data
	daxexer fill "$MNT/$1/counted" --len 32M --seed 9
	no_cache
	write_in "$1" "$MNT/$1"
	want "MiB of page cache" "$(file_memory "$1" file)" 0
	want "MiB of dirty page cache" "$(file_memory "$1" file_dirty)" 0
	in_group "$1" xfs_io -c fsync "$MNT/$1/counted"
	_written=$(written_by "$1" "$(basename "$(device "$1")")")
	[ "$_written" -lt 8 ] || fail "$_written MiB written to the device"
	daxexer session "$MNT/$1" <<-END
		open f counted
		check f 0 32M 1
	END
}

not_limited() { # a group with less memory than the file that it maps
	in_group small true
	echo 8M >$CGROUP/small/memory.max
	no_cache
	in_group small daxexer session "$MNT/$1" <<-END
		open f counted
		map m f 0 32M
		store m 0 32M 2
		map n f 0 32M shift 4K
		load n 0 32M 2
	END
	want "tasks killed for memory" "$(awk '$1 == "oom_kill" { print $2 }' $CGROUP/small/memory.events)" 0
	want "MiB of page cache" "$(file_memory small file)" 0
}

after_the_group() { # dirty memory is written back, although its group is gone
	in_group gone daxexer session "$MNT/$1" <<-END
		open f orphan new
		write f 0 4M 1
		sync f
		map m f 0 4M
		dirty m 0 4M
	END
	until_true 5 rmdir $CGROUP/gone
	trace_on
	sync
	trace_off
	traced some 'dax_writeback_one: .*'
}

with ext4 xfs
it "without DAX a group has page cache and writes" cached
on "ext4 xfs" "a group has neither page cache nor writes of data" not_counted
on "ext4 xfs" "a group maps more than its memory" not_limited
on "ext4 xfs" "dirty memory survives its group" after_the_group
umount $CGROUP 2>/dev/null
it "the hierarchy is gone" refused mountpoint -q $CGROUP
finish
