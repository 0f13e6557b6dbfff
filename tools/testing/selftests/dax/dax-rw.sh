#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Reads and writes: with RWF_NOWAIT, killed, over poison, across a stripe's chunks.
# boot: dax
# disks: 256M 256M 128M 128M
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# timeout: 60
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 20

nowait() { # RWF_NOWAIT succeeds where blocks exist; where xfs would have to allocate one it returns EAGAIN
	# without lazytime the write would have to log the file's time
	mount -o remount,lazytime "$MNT/$1"
	_hole="fails EAGAIN"
	[ "$1" != ext4 ] || _hole="#"
	session "$1" <<-END
		open f nowait new direct
		write f 0 1M 1
		check f 0 1M 1 nowait
		write f 4K 64K 2 nowait
		check f 4K 64K 2 nowait
		truncate f 2M
		check f 1M 1M 0 nowait
		$_hole write f 1M 64K 3 nowait
		$_hole write f 4M 4K 3 nowait
		map m f 0 2M
		store m 0 64K 4
		check f 0 64K 4 nowait
		write f 4K 4K 5 nowait
		load m 4K 4K 5
	END
	mount -o remount,nolazytime "$MNT/$1"
}

killed() { # a signal kills a large write: the file has a prefix of it
	session "$1" <<-END
		open f killed new
		killing 100 write f 0 96M 1
	END
	_len=$(stat -c %s "$MNT/$1/killed")
	echo "$_len bytes were written"
	# the write may finish before the signal
	[ "$_len" -le $((96 << 20)) ] || fail "the file is too long"
	_whole=$((_len / 4096 * 4096))
	[ $_whole = 0 ] || daxexer check "$MNT/$1/killed" --len $_whole --seed 1
	rm "$MNT/$1/killed"
}

killed_over() { # a signal kills a write over old content: new pages come first, then old ones
	session "$1" <<-END
		open f over new
		write f 0 24M 1
		killing 40 write f 0 24M 2
	END
	daxexer border "$MNT/$1/over" --len 24M --seed 2 --old 1
	rm "$MNT/$1/over"
}

signalled() { # a signal with a handler does not shorten a write
	session "$1" <<-END
		open f signalled new
		signalled 50 write f 0 32M 1
		check f 0 32M 1
		signalled 20 check f 0 32M 1
	END
	rm "$MNT/$1/signalled"
}

chunks() { # large transfers across the devices of a stripe
	session "$1" <<-END
		open f chunks new
		write f 8 16M 1
		check f 8 16M 1
		write f 2097144 16 2
		check f 2097144 16 2
		check f 2097136 8 1
		map m f 0 16M
		load m 2097160 13M 1
	END
}

mixed() { # read() sees stores, and mappings see write(), at once
	session "$1" <<-END
		open f mixed new
		truncate f 4M
		map m f 0 4M
		touch m 0 4M
		write f 64K 8 1
		load m 64K 8 1
		write f 2M 2M 2
		load m 2M 2M 2
		store m 2M+8 8 3
		check f 2M+8 8 3
		check f 2M+16 64K 2
		falloc f punch 2M 64K
		check f 2M 64K 0
		write f 2M+8K 4K 4
		load m 2M 8K 0
		load m 2M+8K 4K 4
	END
}

# sector FILE OFFSET: print the device's sector of that byte
sector() {
	xfs_io -r -c fiemap "$1" | tr -d '[]:' | sed 's/\.\./ /g' |
		awk -v at=$(($2 / 512)) '$2 <= at && at <= $3 { print $4 + at - $2 }'
}

# The errno if the device cannot read the rest of a page that a write replaces. C returns EFAULT, as if
# the user's memory were bad.
NOT_REPLACED=EIO
! fsdax_is_c || NOT_REPLACED=EFAULT

recovered() { # writes of whole pages through the filesystem clear poison
	_disk=$(basename "$(device "$1")")
	session "$1" <<-END
		open f recovered new
		write f 0 4M 1
		sync f
	END
	for _at in 65536 1052672 3145728; do
		echo "$(sector "$MNT/$1/recovered" $_at) 8" >"/sys/block/$_disk/badblocks"
	done
	session "$1" <<-END
		open f recovered
		map m f 0 4M
		fails EIO check f 64K 4K 1
		dies bus touch m 64K 4K
		dies bus dirty m 1M+4K 4K
		# the other pages of the 2 MiB can be read
		load m 4K 60K 1
		load m 1M+8K 64K 1
		check f 0 64K 1
		# a write to a part of the page fails
		fails $NOT_REPLACED write f 64K+8 8 2
		# writes of whole pages succeed, also as the middle of a longer write
		write f 64K 4K 2
		write f 1M 64K 2
		write f 2M 2M 2
		check f 64K 4K 2
		check f 1M 64K 2
		check f 2M 2M 2
		load m 64K 4K 2
		load m 1M 64K 2
		load m 3M 64K 2
	END
	want "badblocks" "$(cat "/sys/block/$_disk/badblocks")" ""
}

with ext4 xfs stripe
on "ext4 xfs stripe" "without waiting" nowait
on "ext4 xfs stripe" "killed in a large write" killed
on "ext4 xfs stripe" "killed in a large write over old content" killed_over
on "ext4 stripe" "a handled signal does not shorten a write" signalled
on "ext4 stripe" "across chunks, at odd places" chunks
on "ext4 xfs" "calls and mappings mixed" mixed
on "ext4 xfs" "recovery of broken sectors" recovered
on "ext4 xfs stripe" "in order and complete after a remount" consistent
finish
