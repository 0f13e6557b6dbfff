#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Mappings of DAX files: shared, private, MAP_SYNC; fork, mremap, mprotect, madvise.
# boot: dax
# disks: 256M 256M 128M 128M
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# lanes: fsdax
# timeout: 90
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 25

shared() { # two mappings, system calls and a child process see the same bytes at once
	session "$1" <<-END
		open f shared new
		truncate f 4M
		map a f 0 4M
		map b f 1M 2M shift 4K
		store a 0 4M 1
		load b 0 2M 1
		check f 0 4M 1
		store b 512K 64K 2
		load a 1M+512K 64K 2
		write f 3M 256K 3
		load a 3M 256K 3
		child store a 0 128K 4
		load a 0 128K 4
		msync a 0 4M
		unmap a
		unmap b
		check f 128K 1M+384K 1
		check f 1M+512K 64K 2
		check f 3M 256K 3
		check f 0 128K 4
	END
}

private() { # a store copies the page; pages without a store follow the file
	session "$1" <<-END
		open f private new
		write f 0 4M 1
		map p f 0 4M private
		load p 0 4M 1
		store p 4K 8K 2
		store p 2M+100K 4K 2
		pages p 4K 8K anon:2
		load p 4K 8K 2
		check f 0 4M 1
		write f 0 16K 3
		load p 0 4K 3
		load p 4K 8K 2
		load p 12K 4K 3
		write f 2M 200K 3
		load p 2M 100K 3
		load p 2M+100K 4K 2
		load p 2M+104K 96K 3
		# dropped pages are read from the file again
		advise p 0 4M dontneed
		load p 0 16K 3
		load p 2M+100K 4K 3
	END
}

private_hole() { # a private page over a hole starts as zeroes and allocates no block
	session "$1" <<-END
		open f hole new
		truncate f 4M
		map p f 0 4M private
		load p 0 64K 0
		store p 8 8 1
		store p 2M+8 8 1
		load p 16 64K 0
		load p 2M+16 64K 0
		check f 0 4M 0
		shell [ \$(stat -c %b $MNT/$1/hole) = 0 ]
	END
}

synchronous() { # a write fault commits the metadata before it makes the page writable
	trace_on
	session "$1" <<-END
		open f sync new
		truncate f 4M
		map s f 0 4M sync
		store s 0 64K 1
		store s 64K 64K 2
		# a second store to the same page causes no fault
		store s 0 64K 3
		msync s 0 4M
		unmap s
		check f 0 64K 3
		check f 64K 64K 2
	END
	trace_off
	traced some 'dax_p(te|md)_fault_done:.* NEEDDSYNC|dax_p(te|md)_fault_done:.*\|NEEDDSYNC'
	traced some 'dax_insert_pfn_mkwrite:'
}

forked() { # parent and child have separate private pages
	session "$1" <<-END
		open f fork new
		write f 0 4M 1
		map p f 0 4M private
		map s f 0 4M
		store p 0 8K 2
		load s 2M 4K 1
		child store p 4K 8K 3
		load p 0 8K 2
		load p 8K 4K 1
		child load p 0 8K 2
		child load s 0 4M 1
		child store s 2M 8K 4
		load s 2M 8K 4
		load p 2M 8K 4
		check f 0 2M 1
	END
}

protected() {
	session "$1" <<-END
		open f protect new
		write f 0 4M 1
		map m f 0 4M
		store m 0 64K 2
		protect m 0 4M r
		load m 0 64K 2
		dies segv dirty m 0 4K
		dies segv dirty m 2M+4K 4K
		protect m 0 4M none
		dies segv touch m 8K 4K
		protect m 4K 4K rw
		store m 4K 4K 3
		dies segv touch m 8K 4K
		protect m 0 4M rw
		load m 0 4K 2
		load m 4K 4K 3
		load m 64K 64K 1
		store m 2M 2M 4
		# a part of a range that a 2 MiB entry may map
		protect m 2M+8K 4K r
		dies segv dirty m 2M+8K 4K
		store m 2M+12K 4K 5
		load m 2M 12K 4
		load m 2M+16K 1M 4
		check f 2M+12K 4K 5
	END
}

moved() { # mremap: to other addresses, also unaligned ones without 2 MiB entries, longer and shorter
	session "$1" <<-END
		open f move new
		write f 0 8M 1
		map m f 0 4M
		store m 0 64K 2
		load m 2M 2M 1
		move m 4M
		load m 0 64K 2
		load m 64K 4032K 1
		move m 4M shift 4K
		load m 0 64K 2
		load m 64K 4032K 1
		store m 2M 64K 3
		move m 8M
		load m 2M 64K 3
		load m 4M 4M 1
		store m 6M 64K 4
		move m 1M
		load m 0 64K 2
		msync m 0 1M
		check f 2M 64K 3
		check f 6M 64K 4
	END
}

advised() {
	session "$1" <<-END
		open f advise new
		write f 0 4M 1
		map m f 0 4M
		load m 0 4M 1
		advise m 0 4M dontneed
		pages m 0 4M none:1024
		load m 0 4M 1
		store m 0 8K 2
		# drops the pages from the page tables only
		advise m 0 4M dontneed
		load m 0 8K 2
		advise m 0 4M willneed
		advise m 0 4M random
		advise m 0 4M normal
		advise m 0 4M cold
		advise m 0 4M pageout
		load m 0 8K 2
		advise m 0 4M dontneed
		advise m 0 1M populate-read
		load m 8K 1016K 1
		advise m 1M 1M populate-write
		load m 1M 1M 1
		fails EINVAL advise m 0 4M free
		# punches a hole
		advise m 1M 64K remove
		load m 1M 64K 0
		load m 1M+64K 64K 1
		check f 1M 64K 0
		map n f 2M 2M
		advise n 0 2M nohugepage
		load n 0 2M 1
		advise n 0 2M hugepage
		store n 0 4K 3
		check f 2M 4K 3
	END
}

read_only() { # a mapping of a file that is open for reading only
	session "$1" <<-END
		open f readonly new
		write f 0 64K 1
		open r readonly ro
		fails EACCES map m r 0 64K
		map m r 0 64K ro
		load m 0 64K 1
		dies segv dirty m 0 4K
		fails EACCES protect m 0 64K rw
		map p r 0 64K private
		store p 0 4K 2
		load m 0 64K 1
		check f 0 64K 1
	END
}

with ext4 xfs stripe
on "ext4 xfs stripe" "shared mappings, calls and children see the same" shared
on "ext4 xfs stripe" "private mappings" private
on "ext4 xfs stripe" "private mappings of holes" private_hole
on "ext4 xfs stripe" "MAP_SYNC" synchronous
on "ext4 xfs" "fork" forked
on "ext4 xfs" "mprotect" protected
on "ext4 xfs" "mremap" moved
on "ext4 xfs" "madvise" advised
on "ext4 xfs" "read-only files" read_only
on "ext4 xfs stripe" "in order and complete after a remount" consistent
finish
