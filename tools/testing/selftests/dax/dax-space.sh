#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# No space left, read-only mounts, and swap beside a DAX filesystem.
# boot: dax
# disks: 256M..4G 256M..4G 128M
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# timeout: 60
# allow: Adding .* swap on /dev/pmem2
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 11

# full NAME: a file takes all the space that is left
full() {
	_k=$(df -k "$MNT/$1" | awk 'NR == 2 { print $4 }')
	fallocate -l $((_k - 8192))K "$MNT/$1/filler" || fail "the filesystem is not filled"
	dd if=/dev/zero of="$MNT/$1/filler2" bs=64k 2>/dev/null || :
	dd if=/dev/zero of="$MNT/$1/filler3" bs=4k 2>/dev/null || :
}

no_space() { # a store to a hole is SIGBUS, a write is ENOSPC; other pages can be used
	session "$1" <<-END
		open f holes new
		write f 0 64K 1
		truncate f 8M
		sync f
	END
	full "$1"
	session "$1" <<-END
		open f holes
		map m f 0 8M
		load m 64K 1M 0
		store m 0 32K 2
		dies bus dirty m 4M 512K
		dies bus dirty m 6M 4K
		fails ENOSPC write f 7M 4K 3
		load m 0 32K 2
		load m 32K 32K 1
		load m 4M+512K 1M 0
		load m 7M 4K 0
	END
	rm "$MNT/$1"/filler*
	session "$1" <<-END
		open f holes
		map m f 0 8M
		store m 4M 1M 3
		write f 7M 4K 3
		sync f
		load m 4M 1M 3
		load m 7M 4K 3
		check f 32K 32K 1
	END
}

no_space_cow() { # without space, a store to a shared block is SIGBUS
	session "$1" <<-END
		open a shared new
		open b shared.clone new
		write a 0 16M 1
		clone a 0 16M b 0
		sync b
	END
	full "$1"
	session "$1" <<-END
		open b shared.clone
		map m b 0 16M
		touch m 0 16M
		dies bus dirty m 0 16M
		load m 15M 1M 1
	END
	rm "$MNT/$1"/filler*
	session "$1" <<-END
		open a shared
		open b shared.clone
		map m b 0 16M
		store m 0 16M 2
		check a 0 16M 1
	END
}

read_only() { # mappings, holes and private pages on a read-only mount
	session "$1" <<-END
		open f readonly new
		write f 0 4M 1
		truncate f 8M
	END
	sync
	umount "$MNT/$1"
	mount -t "$(fstype "$1")" -o ro,dax=always "$(device "$1")" "$MNT/$1"
	trace_on
	session "$1" <<-END
		fails EROFS open g readonly
		open f readonly ro
		check f 0 4M 1
		map m f 0 8M ro
		load m 0 4M 1
		load m 4M 4M 0
		pages m 0 8M huge:1024 hugezero:1024
		map p f 0 8M private
		store p 4K 4K 2
		store p 4M 4K 2
		load p 4K 4K 2
		load p 8K 64K 1
		load m 4K 4K 1
		load m 4M 4K 0
		fails EACCES protect m 0 4K rw
	END
	trace_off
	mount -o remount,rw "$MNT/$1"
	session "$1" <<-END
		open f readonly
		write f 4M 4K 2
		map m f 0 8M
		store m 0 4K 2
	END
}

remounted() { # the filesystem cannot be remounted read-only while it has writable mappings
	session "$1" <<-END
		open f remount new
		write f 0 1M 1
		map m f 0 1M
		store m 0 64K 2
		shell ! mount -o remount,ro $MNT/$1 2>/dev/null
		store m 64K 64K 2
		unmap m
		close f
		shell mount -o remount,ro $MNT/$1
		open f remount ro
		map m f 0 1M ro
		load m 0 128K 2
		load m 128K 128K 1
		dies segv dirty m 0 4K
		shell mount -o remount,rw $MNT/$1
	END
}

swapped() { # private pages go to swap and come back, the file's own never do
	mkswap /dev/$DISK2 >/dev/null
	session "$1" <<-END
		open f swap new
		write f 0 4M 1
		map p f 0 4M private
		map m f 0 4M
		store p 0 1M 2
		store m 2M 64K 3
		shell swapon /dev/$DISK2
		advise p 0 4M pageout
		advise m 0 4M pageout
		shell [ \$(awk '/^VmSwap/ { print \$2 }' /proc/\$PPID/status) -gt 0 ]
		load p 0 512K 2
		load p 2M 64K 3
		load m 0 1M 1
		child store p 0 64K 4
		load p 0 64K 2
		advise p 0 4M pageout
		shell swapoff /dev/$DISK2
		load p 0 1M 2
		load m 0 2M 1
		load m 2M 64K 3
		truncate f 2M
		load p 0 1M 2
		dies bus touch p 3M 4K
	END
	zap /dev/$DISK2
}

with ext4 xfs
on "ext4 xfs" "no space: stores and writes" no_space
it "xfs: no space: shared blocks" no_space_cow xfs
on "ext4 xfs" "mounted read-only" read_only
on "ext4 xfs" "remounted read-only" remounted
on "ext4 xfs" "swap" swapped
on "ext4 xfs" "in order and complete after a remount" consistent
finish
