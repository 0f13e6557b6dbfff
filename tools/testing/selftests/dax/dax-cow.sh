#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Writes that replace shared blocks, and the blocks around them: writes that end early, dirty
# pages, and blocks that were never written.
# boot: dax
# disks: 256M 256M 128M 128M
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# timeout: 30
# allow fsdax=c: WARNING:.*fs/dax\.c:.* at dax_disassociate_entry
# allow fsdax=c: ------------\[ cut here \]------------
# allow fsdax=c: Call Trace:
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 16

ends_early() { # a write that ends early leaves the rest of its range unchanged
	session "$1" <<-END
		# blocks with old data of another file
		open x early.stale new
		write x 0 8M 9
		close x
		unlink early.stale
		shell sync
		open a early new
		open b early.clone new
		write a 0 1M 1
		clone a 0 1M b 0
		# a source buffer of which only 4 KiB can be read
		open s early.source new
		write s 0 4K 5
		map m s 0 12K
		send b 104 8K m 0 short 4K
		check b 0 104 1
		check b 104 4K 5 @0
		check b 4K+104 50K 1
		send b 64K 8K m 4000 short 96
		check b 64K 96 5 @4000
		check b 64K+96 900K 1
		check a 0 1M 1
	END
}

nothing_written() { # a write that copies no byte leaves the file unchanged
	session "$1" <<-END
		open a nothing new
		open b nothing.clone new
		write a 0 64K 1
		clone a 0 64K b 0
		open s nothing.source new
		write s 0 4K 5
		map m s 0 12K
		fails EFAULT send b 104 4K m 4K
		fails EFAULT send b 8K 4K m 4K
		check b 0 64K 1
		write b 4K+104 8 3 @0
		check b 0 4K+104 1
		check b 4K+112 8K 1
		check a 0 64K 1
	END
}

# Page 8 belongs to the file alone and is dirty. A write replaces page 0, which is shared, and the
# filesystem allocates blocks for the following pages at the same time.
kept_dirty() { # a dirty page that the write did not replace stays dirty
	session "$1" <<-END
		open a dirty new
		open b dirty.clone new
		write a 0 4K 1
		write b 0 128K 2
		clone a 0 4K b 0
		open s dirty.source new
		write s 0 4K 5
		map m s 0 12K
		map n b 0 128K
		dirty n 32K 64K
		shell xfs_io -c 'cowextsize 128k' $MNT/$1/dirty.clone
		write b 0 4K 3
		sync s
		shell echo >$TRACING/trace; echo 1 >$TRACING/events/fs_dax/enable
		send b 32K 12K m 0 short 4K
		check b 32K 4K 5 @0
		sync b
	END
	trace_off
	traced some 'dax_writeback_one:.*pgoff 0x9 '
	traced some 'dax_writeback_one:.*pgoff 0xa '
}

partly_dirty() { # a write to a part of a dirty page keeps the rest of that page
	session "$1" <<-END
		open a around new
		open b around.clone new
		write a 0 4K 1
		write b 0 128K 2
		clone a 0 4K b 0
		map n b 0 128K
		store n 32K 4K 6
		shell xfs_io -c 'cowextsize 128k' $MNT/$1/around.clone
		write b 0 4K 3
		write b 32K+104 200 7 @0
		load n 32K 104 6
		load n 32K+104 200 7 @0
		load n 32K+304 3000 6
		sync b
		check b 32K 104 6
		check b 36K 64K 2
		check a 0 4K 1
	END
}

never_written() { # unwritten blocks read as zeroes, whatever is stored in them
	session xfs <<-END
		open a never.data new
		open b never.blocks new
		write a 0 64K 1
		falloc b alloc 0 64K
		sync a
		sync b
	END
	# fill the unwritten blocks with the data of the other file
	_sector=$(xfs_io -r -c fiemap "$MNT/xfs/never.blocks" | awk '$2 ~ /\[/ { sub(/\.\..*/, "", $3); print $3; exit }')
	cp "$MNT/xfs/never.data" /tmp/data
	umount "$MNT/xfs"
	dd if=/tmp/data of=/dev/$DISK1 bs=4096 seek=$((_sector / 8)) conv=fsync
	mount_dax xfs /dev/$DISK1 "$MNT/xfs"
	session xfs <<-END
		open a never.data
		open b never.blocks
		check b 0 64K 0
		dedupe b 0 64K a 0 differs
		dedupe a 0 64K b 0 differs
		check a 0 64K 1
		check b 0 64K 0
	END
}

raced() { # a task that reads through a mapping during a write sees the new data afterwards
	{
		echo "open a raced new"
		echo "open b raced.clone new"
		echo "write a 0 4M 1"
		echo "map m b 0 4M shift 4K"
		for _i in $(seq 2 25); do
			echo "clone a 0 4M b 0"
			echo "start reader touch m 0 4M"
			echo "write b 0 4M $_i"
			echo "finish reader"
			echo "load m 0 4M $_i"
		done
		echo "check a 0 4M 1"
	} | session "$1"
}

referenced() { # SHIFT: a pipe references pages while a write replaces their blocks
	ends_guest "2 MiB are taken apart under references, then the truncation waits for ever"
	session xfs <<-END
		open a referenced new
		open b referenced.clone new
		write a 0 4M 1
		clone a 0 4M b 0
		map m b 0 4M $1
		load m 0 4M 1
		splice p m 2M+4K 12K
		write b 2M+64K 4K 2
		write b 2M+8K 4K 2
		check b 2M+8K 4K 2
		check b 2M+12K 52K 1
		check b 2M+64K 4K 2
		check b 2M+68K 1M 1
		drain p 2M+4K 12K 1
		load m 2M 8K 1
		load m 2M+8K 4K 2
		load m 2M+12K 52K 1
		load m 2M+64K 4K 2
		load m 2M+68K 1M 1
		store m 2M+16K 4K 3
		sync b
		truncate b 2M
		truncate b 4M
		load m 2M 2M 0
		check a 0 4M 1
	END
}

waits() { # a fault and a write wait for a referenced 2 MiB entry; a signal can kill the waiting task
	ends_guest "2 MiB are taken apart under references, then the truncation waits for ever"
	session xfs <<-END
		open a waits new
		open b waits.clone new
		write a 0 4M 1
		clone a 0 4M b 0
		map m b 0 4M
		load m 0 4M 1
		pages m 2M 2M huge:512
		splice p m 2M+4K 4K
		write b 2M+64K 4K 2
		# another page of the same 2 MiB still has its old blocks
		minor load m 2M 4K 1
		killed 200 load m 2M+64K 4K 2
		killed 200 send a 0 64K m 2M+64K
		start t load m 2M+64K 4K 2
		waiting t
		drain p 2M+4K 4K 1
		finish t
	END
}

used_before() { # every free block has old data of another file
	xfs_io -f -c "pwrite -q -b 1m -S 0x99 0 1g" "$MNT/xfs/stale" 2>/dev/null || : # until no space is left
	rm "$MNT/xfs/stale"
	sync
}

# xfs allocates blocks for all pages of a write in advance. If the write ends early, the remaining blocks
# hold old data, and must not become part of the file when a hole is made.
not_reached() { # COMMANDS: steps that make the first 64K a hole
	used_before
	session xfs <<-END
		open a reached new
		open b reached.clone new
		write a 0 1M 1
		clone a 0 1M b 0
		open s reached.source new
		write s 0 4K 5
		map m s 0 12K
		open h reached.hole new
		truncate h 64K
		# the write wants three pages and ends in the second
		send b 104 12K m 0 short 4K
		check b 104 4K 5 @0
		$1
		check b 0 64K 0
		check b 64K 960K 1
		check a 0 1M 1
		sync b
		unlink reached
		unlink reached.clone
		unlink reached.source
		unlink reached.hole
	END
}
UNSHARED_HOLE="clone h 0 64K b 0
falloc b unshare 0 64K"

with xfs stripe
on "xfs stripe" "a write that ends early" ends_early
on "xfs stripe" "a write that writes nothing" nothing_written
it "xfs: dirty pages behind a write that ends early" kept_dirty xfs
it "xfs: a dirty page around a write" partly_dirty xfs
it "xfs: dedupe of blocks that were never written" never_written
on "xfs stripe" "in order and complete after a remount" consistent
it "xfs: faults during a write to shared blocks" raced xfs
it "xfs: pages that are referenced" referenced "shift 4K"
it "xfs: 2 MiB that are referenced" referenced
it "xfs: a fault waits for 2 MiB that are referenced" waits
it "xfs: zeroing pages that a write did not reach" not_reached "falloc b zero 0 64K"
it "xfs: punching pages that a write did not reach" not_reached "falloc b punch 0 64K"
it "xfs: unsharing a hole that a write did not reach" not_reached "$UNSHARED_HOLE"
finish
