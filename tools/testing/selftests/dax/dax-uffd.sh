#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Writes that userfaultfd remembers (WP_ASYNC) and PAGEMAP_SCAN reports, on mapped DAX files.
# boot: dax
# disks: 256M 256M
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# lanes: fsdax
# timeout: 120
# allow fsdax=c: WARNING: .* at (insert_pmd|insert_page_into_pte_locked)[.a-z0-9]*\+
# allow fsdax=c: cut here
# allow fsdax=c: Call Trace:
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 22

ROUNDS=${ROUNDS:-4}

# Where userfaultfd write-protects what is not mapped, the page tables have markers.

shared_store() { # a store to a page that only has a marker
	session "$1" <<-END
		open f store new
		write f 0 4M 1
		map m f 0 4M shift 4K
		watch m 0 4M
		arm m 0 4M
		written m 0 4M clean:1024
		store m 8K 8K 2
		store m 3M 4K 2
		written m 0 4M clean:2 written:2 clean:764 written:1 clean:255
		written m 0 4M clean:1024
		store m 8K 4K 3
		written m 0 4M clean:2 written:1 clean:1021
		check f 8K 4K 3
		check f 12K 4K 2
		check f 3M 4K 2
		check f 16K 1M 1
	END
}

loaded_first() { # a load maps the page write-protected
	session "$1" <<-END
		open f load$2 new
		write f 0 4M 1
		map m f 0 4M $2 shift 4K
		watch m 0 4M
		arm m 0 4M
		start t load m 0 64K 1
		finish t
		written m 0 4M clean:1024
		pages m 0 4M page:16 none:1008
		store m 4K 8K 2
		written m 0 4M clean:1 written:2 clean:1021
		written m 0 4M clean:1024
		store m 4K 4K 3
		written m 0 4M clean:1 written:1 clean:1022
		load m 4K 4K 3
		load m 8K 4K 2
		load m 12K 1M 1
	END
}

private_store() { # a store to a page that only has a marker makes the copy
	session "$1" <<-END
		open f copy new
		write f 0 4M 1
		map m f 0 4M private
		watch m 0 4M
		arm m 0 4M
		store m 8K 4K 2
		written m 0 4M clean:2 written:1 clean:1021
		written m 0 4M clean:1024
		store m 8K 4K 3
		written m 0 4M clean:2 written:1 clean:1021
		load m 8K 4K 3
		check f 0 4M 1
	END
}

hole() { # zeroes in place of a marker, then storage
	session "$1" <<-END
		open f hole$2 new
		truncate f 4M
		map m f 0 4M $2
		watch m 0 4M
		arm m 0 4M
		start t load m 0 64K 0
		finish t
		written m 0 4M clean:1024
		pages m 0 4M zero:16 none:1008
		store m 4K 8K 2
		written m 0 4M clean:1 written:2 clean:1021
		written m 0 4M clean:1024
		store m 3M 4K 2
		written m 0 4M clean:768 written:1 clean:255
		load m 4K 8K 2
		load m 12K 1M 0
	END
}

synchronous() { # MAP_SYNC: the fault is finished after a sync of the file
	session "$1" <<-END
		open f sync new
		falloc f alloc 0 4M
		map m f 0 4M sync
		watch m 0 4M
		arm m 0 4M
		store m 0 8K 2
		written m 0 4M written:2 clean:1022
		written m 0 4M clean:1024
		store m 4K 8K 3
		written m 0 4M clean:1 written:2 clean:1021
		check f 0 4K 2
		check f 4K 8K 3
	END
}

huge_before() { # 2 MiB that were mapped before: the first store to them counts for all of their pages
	session "$1" <<-END
		open f huge new
		write f 0 4M 1
		map m f 0 4M
		dirty m 0 4M
		pages m 0 4M huge:1024
		watch m 0 4M
		written m 0 4M written:1024
		written m 0 4M clean:1024
		pages m 0 4M huge:1024
		store m 2M+8K 4K 2
		written m 0 4M clean:512 written:512
		written m 0 4M clean:1024
		pages m 0 4M huge:512 none:2 page:1 none:509
		store m 2M+8K 8K 3
		written m 0 4M clean:514 written:2 clean:508
		check f 2M+8K 8K 3
	END
}

huge_private() { # private 2 MiB are read-only, a store makes a copy of its page
	session "$1" <<-END
		open f hugeprivate new
		write f 0 4M 1
		map m f 0 4M private
		touch m 0 4M
		pages m 0 4M huge:1024
		watch m 0 4M
		written m 0 4M written:1024
		written m 0 4M clean:1024
		store m 2M+8K 4K 2
		written m 0 4M clean:512 written:512
		written m 0 4M clean:1024
		store m 2M+8K 8K 3
		written m 0 4M clean:514 written:2 clean:508
		load m 2M+8K 8K 3
	END
}

small_after() { # what userfaultfd watches is mapped page by page
	session "$1" <<-END
		open f small new
		write f 0 4M 1
		map m f 0 4M
		watch m 0 4M
		touch m 0 8K
		dirty m 2M 4K
		pages m 0 4M page:2 none:510 page:1 none:511
		written m 0 4M written:1024
		written m 0 4M clean:1024
		dirty m 2M 8K
		written m 0 4M clean:512 written:2 clean:510
	END
}

follow() { # a copy that takes each page that was written is complete
	daxexer follow "$MNT/$1/follow" --rounds "$ROUNDS" --seed 1
	daxexer follow "$MNT/$1/follow" --rounds "$ROUNDS" --seed 2 --shift 4K
	daxexer follow "$MNT/$1/follow" --rounds "$ROUNDS" --seed 3 --kind private
}

with ext4 xfs
for _n in ext4 xfs; do
	it "$_n: a store to what only has a marker" shared_store $_n
	it "$_n: a load from what only has a marker, shared" loaded_first $_n
	it "$_n: a load from what only has a marker, private" loaded_first $_n private
	it "$_n: a private store to what only has a marker" private_store $_n
	it "$_n: a hole, shared" hole $_n
	it "$_n: a hole, private" hole $_n private
	it "$_n: MAP_SYNC" synchronous $_n
	it "$_n: 2 MiB mapped before, shared" huge_before $_n
	it "$_n: 2 MiB mapped before, private" huge_private $_n
	it "$_n: page by page while it is watched" small_after $_n
	it "$_n: a copy that follows the writes" follow $_n
done
finish
