#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Blocks that files share: copy on write, unsharing, deduplication; also on a stripe of two devices
# and over poison.
# allow fsdax=c: WARNING: .* at (dax_insert_entry|vmf_insert_folio_pmd)[.a-z0-9]*\+
# allow fsdax=c: cut here
# allow fsdax=c: Call Trace:
# boot: dax
# disks: 256M 256M 128M 128M
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# lanes: ctwin
# timeout: 90
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 33

by_call() { # writes of a part of a page, of a page and of several pages leave the other file unchanged
	session "$1" <<-END
		open a calls new
		open b calls.clone new
		write a 0 8M 1
		clone a 0 8M b 0
		check b 0 8M 1
		write b 100 50 2 @0
		write b 1M+4K 4K 2
		write b 3M+8 10000 2
		write b 4M+4000 200000 2
		check a 0 8M 1
		check b 100 50 2 @0
		check b 1M+4K 4K 2
		check b 1M 4K 1
		check b 3M+8 10000 2
		check b 4M+4000 200000 2
		check b 4M 4000 1
		check b 5M 3M 1
		write a 6M 2M 3
		check b 6M 2M 1
		check a 6M 2M 3
	END
}

by_map() { # stores through 4 KiB and 2 MiB entries leave the other file unchanged
	session "$1" <<-END
		open a maps new
		open b maps.clone new
		write a 0 8M 1
		clone a 0 8M b 0
		map m a 0 8M
		map n b 0 8M
		load m 0 8M 1
		load n 0 8M 1
		store n 4K+8 1000 2 @0
		load m 0 2M 1
		load n 4K+8 1000 2 @0
		load n 4K 8 1
		load n 8K 2040K 1
		store n 2M+8K 4K 3
		load n 2M+8K 4K 3
		load m 2M 2M 1
		store m 4M 2M 4
		load n 4M 2M 1
		check a 4M 2M 4
		sync a
		sync b
		check b 2M+8K 4K 3
		check a 2M 2M 1
		check b 6M 2M 1
	END
}

page_of_huge() { # a store to a page of shared 2 MiB, while another mapping has a 2 MiB entry for them
	ends_guest "the entry of 2 MiB is overwritten, its pages stay counted"
	session "$1" <<-END
		open a pagehuge new
		open b pagehuge.clone new
		write a 0 4M 1
		clone a 0 4M b 0
		map n b 0 4M
		map s b 0 4M shift 4K
		load n 0 4M 1
		pages n 0 4M huge:1024
		store s 2M+8K 4K 3
		load n 2M+8K 4K 3
		load n 2M 8K 1
		load n 2M+12K 2036K 1
		store n 2M+16K 64K 4
		load s 2M+16K 64K 4
		load s 2M+8K 4K 3
		check a 0 4M 1
		sync b
		check b 2M+80K 1M 1
	END
	umount "$MNT/$1"
	mount_dax xfs "$(device "$1")" "$MNT/$1"
	session "$1" <<-END
		open b pagehuge.clone
		check b 2M 8K 1
		check b 2M+8K 4K 3
		check b 2M+16K 64K 4
		check b 2M+80K 1968K 1
	END
}

page_and_huge() { # one file has 4 KiB entries for blocks that the other maps with a 2 MiB entry
	session "$1" <<-END
		open a pages new
		open b pages.clone new
		write a 0 6M 1
		clone a 0 6M b 0
		map s a 0 6M shift 4K
		# the first page, and one in the middle
		load s 0 4K 1
		load s 2M+8K 4K 1
		map n b 0 6M
		load n 0 6M 1
		pages n 0 6M page:1024 huge:512
		store n 1M 4K 2
		store n 3M 4K 2
		load s 0 6M 1
		unmap s
		truncate a 0
		load n 1M 4K 2
		load n 2M 1M 1
		unmap n
		check b 3M 4K 2
		check b 4M 2M 1
	END
}

huge_and_page() { # the other way round, until both files have given up the blocks
	session "$1" <<-END
		open a hugepages new
		open b hugepages.clone new
		write a 0 4M 1
		clone a 0 4M b 0
		map m a 0 4M
		load m 0 4M 1
		map s b 0 4M shift 4K
		load s 0 4M 1
		pages m 0 4M huge:1024
		pages s 0 4M page:1024
		unmap m
		falloc a punch 0 2M
		load s 0 4M 1
		falloc b punch 1M 2M
		map m a 2M 2M
		load m 0 2M 1
		load s 0 1M 1
		load s 1M 2M 0
		load s 3M 1M 1
		unmap m
		unmap s
		truncate a 0
		truncate b 0
		# the filesystem can use the blocks for another file
		open c hugepages.next new
		write c 0 16M 3
		map m c 0 16M
		dirty m 0 16M
		pages m 0 16M huge:4096
	END
}

many() { # three files share blocks; the last one to write owns them alone
	session "$1" <<-END
		open a many new
		open b many.1 new
		open c many.2 new
		write a 0 4M 1
		clone a 0 4M b 0
		clone a 0 4M c 0
		map m a 0 4M
		map n b 0 4M
		map o c 0 4M
		touch m 0 4M
		touch n 0 4M
		touch o 0 4M
		store m 0 64K 2
		load n 0 64K 1
		load o 0 64K 1
		store n 0 64K 3
		load o 0 64K 1
		store o 0 64K 4
		load m 0 64K 2
		load n 0 64K 3
		load o 0 64K 4
		falloc b punch 2M 2M
		load n 2M 2M 0
		load m 2M 2M 1
		load o 2M 2M 1
		truncate c 1M
		load m 64K 1M 1
		check a 2M 2M 1
	END
}

dirty_source() { # a clone has the stores to the source that were not synced
	session "$1" <<-END
		open a dirty new
		open b dirty.clone new
		write a 0 4M 1
		map m a 0 4M
		store m 0 64K 2
		store m 2M 4K 2
		clone a 0 4M b 0
		check b 0 64K 2
		check b 2M 4K 2
		store m 0 64K 3
		check b 0 64K 2
		load m 0 64K 3
		load m 64K 1984K 1
	END
}

mapped_target() { # a file that is mapped gets other blocks
	session "$1" <<-END
		open a from new
		open b to new
		write a 0 4M 1
		write b 0 4M 2
		map n b 0 4M
		store n 0 64K 3
		load n 2M 2M 2
		clone a 0 2M b 0
		load n 0 2M 1
		load n 2M 2M 2
		store n 0 4K 4
		check a 0 2M 1
		clone a 0 1M b 3M
		load n 3M 1M 1 @0
		load n 2M 1M 2
	END
}

holes() { # edges of a write over shared holes and unwritten blocks are zeroes
	session "$1" <<-END
		open a holes new
		open b holes.clone new
		falloc a alloc 0 4M
		write a 1M 8K 1
		clone a 0 4M b 0
		write b 1M+104 8 2 @0
		write b 104 8 2 @0
		write b 2M+5000 8 2 @0
		check b 0 104 0
		check b 112 4K 0
		check b 1M 104 1
		check b 1M+112 4K 1
		check b 2M 5000 0
		check b 2M+5008 8K 0
		map n b 0 4M
		store n 3M+104 8 3
		load n 3M 104 0
		load n 3M+112 8K 0
		check a 0 1M 0
		check a 1M 8K 1
		check a 2M 2M 0
	END
}

zeroed() { # fallocate and truncate zero parts of shared blocks
	session "$1" <<-END
		open a zero new
		open b zero.clone new
		write a 0 4M 1
		clone a 0 4M b 0
		map n b 0 4M
		touch n 0 4M
		falloc b zero 100 8K
		check b 0 100 1 @0
		check b 100 8K 0
		load n 8K+104 1M 1
		falloc b punch 1M+8 64K
		load n 1M 8 1
		load n 1M+8 64K 0
		truncate b 3M+104
		truncate b 4M
		load n 3M 104 1
		load n 3M+104 64K 0
		check a 0 4M 1
	END
}

unshared() { # V2
	session "$1" <<-END
		open x victim new
		write x 0 8M 9
		open a unshare new
		open b unshare.clone new
		open y victim2 new
		write a 0 8M 1
		clone a 0 8M b 0
		write y 0 8M 8
		falloc b unshare 0 8M
		check b 0 8M 1
		check a 0 8M 1
		check x 0 8M 9
		check y 0 8M 8
		write a 0 8M 2
		check b 0 8M 1
	END
}

unshared_part() { # an unaligned range, mapped and dirty
	session "$1" <<-END
		open a part new
		open b part.clone new
		write a 0 8M 1
		clone a 0 8M b 0
		map n b 0 8M
		store n 1M 64K 2
		falloc b unshare 1M+100 5000
		load n 1M 64K 2
		load n 0 1M 1
		load n 1M+64K 960K 1
		falloc b unshare 3M 1M
		load n 3M 1M 1
		store n 3M 1M 3
		check a 0 8M 1
		check b 3M 1M 3
	END
}

same() {
	session "$1" <<-END
		open a same new
		open b same.2 new
		write a 0 4M 1
		write b 0 4M 1
		dedupe a 0 4M b 0 same
		check b 0 4M 1
		write b 1M 64K 2
		check a 0 4M 1
		# dedupe sees the stores of dirty pages
		map m a 0 4M
		map n b 0 4M
		store m 1M 64K 2
		dedupe a 1M 64K b 1M same
		store n 1M 4K 3
		load m 1M 64K 2
		# holes equal holes
		open c hole new
		open d hole.2 new
		truncate c 1M
		truncate d 1M
		dedupe c 0 1M d 0 same
	END
}

differing() {
	session "$1" <<-END
		open a differs new
		open b differs.2 new
		write a 0 4M 1
		write b 0 4M 1
		write b 3M+500K 8 2 @0
		dedupe a 0 4M b 0 differs
		dedupe a 0 64K b 3M differs
		open h differs.hole new
		truncate h 4M
		dedupe a 0 64K h 0 differs
		dedupe h 0 64K a 0 differs
		falloc h alloc 0 64K
		dedupe a 0 64K h 0 differs
		check a 0 4M 1
		check b 0 3M 1
		check h 0 4M 0
		map n b 0 4M
		store n 0 8 3
		dedupe a 0 4K b 0 differs
		dedupe a 4K 4K b 4K same
	END
}

# sector FILE OFFSET: print the device's sector of that byte; not for files on a stripe
sector() {
	xfs_io -r -c fiemap "$1" | tr -d '[]:' | sed 's/\.\./ /g' |
		awk -v at=$(($2 / 512)) '$2 <= at && at <= $3 { print $4 + at - $2 }'
}

# damaged NAME STEPS: two files with the same 64 KiB; the first has poison at 32 KiB
damaged() {
	session xfs <<-END
		open a $1 new
		open b $1.2 new
		write a 0 64K 1
		$2
		sync a
		sync b
	END
	echo "$(sector "$MNT/xfs/$1" 32768) 8" >/sys/block/$DISK1/badblocks
}

# cured STATUS: remove the test's files and its poison, and return the test's status
cured() {
	rm "$MNT"/xfs/poison*
	umount "$MNT/xfs"
	cp /sys/block/$DISK1/badblocks /tmp/bad
	while read -r _at _n; do
		daxexer write /dev/$DISK1 --direct 1 --off $((_at * 512)) --len $((_n * 512))
	done </tmp/bad
	mount_dax xfs /dev/$DISK1 "$MNT/xfs"
	want "badblocks" "$(cat /sys/block/$DISK1/badblocks)" ""
	return "$1"
}

poisoned() { # V3: dedupe of poison is an error
	damaged poison "write b 0 64K 1"
	_status=0
	session xfs <<-END || _status=1
		open a poison
		open b poison.2
		fails EIO dedupe a 0 64K b 0 same
		fails EIO dedupe b 0 64K a 0 same
		fails EIO dedupe a 32K 4K b 32K same
		dedupe a 0 32K b 0 same
		check b 0 64K 1
	END
	cured $_status
}

poisoned_source() { # copying a page with poison fails; its neighbours can be copied
	damaged poison "clone a 0 64K b 0"
	_status=0
	session xfs <<-END || _status=1
		open a poison
		open b poison.2
		map n b 0 64K
		fails EIO write b 32K+104 104 2
		fails EIO falloc b unshare 32K 4K
		dies bus dirty n 32K 4K
		write b 16K 4K 2
		store n 20K 4K 2
		check b 16K 8K 2
		check a 0 32K 1
		fails EIO check a 32K 4K 1
	END
	cured $_status
}

whole_page() { # a write of a whole page does not read the shared block
	damaged poison "clone a 0 64K b 0"
	_status=0
	session xfs <<-END || _status=1
		open a poison
		open b poison.2
		write b 32K 4K 3
		check b 32K 4K 3
		check b 36K 28K 1
		fails EIO check a 32K 4K 1
	END
	cured $_status
}

with xfs stripe
on "xfs stripe" "copy on write by calls" by_call
on "xfs stripe" "copy on write by mappings" by_map
on "xfs stripe" "a page of shared 2 MiB" page_of_huge
on "xfs stripe" "pages of 2 MiB that another file maps" page_and_huge
on "xfs stripe" "2 MiB that another file maps by pages" huge_and_page
on "xfs stripe" "three files" many
on "xfs stripe" "dirty pages are cloned" dirty_source
on "xfs stripe" "a mapped file gets other blocks" mapped_target
on "xfs stripe" "shared holes and unwritten blocks" holes
on "xfs stripe" "zeroing of shared blocks" zeroed
on "xfs stripe" "unshare" unshared
on "xfs stripe" "unshare of a part, mapped" unshared_part
on "xfs stripe" "dedupe of the same" same
on "xfs stripe" "dedupe of what differs" differing
it "xfs: dedupe over poison" poisoned
it "xfs: copies of poison" poisoned_source
it "xfs: a whole page is written over shared poison" whole_page
on "xfs stripe" "in order and complete after a remount" consistent
finish
