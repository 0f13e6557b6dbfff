#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A pipe, O_DIRECT, io_uring or another process references pages of a mapping: truncation and hole
# punching wait for them.
# boot: dax
# disks: 256M 256M 128M 128M
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# timeout: 90
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 42

# A suspended device: its I/O waits for "dmsetup resume". No other test uses its region before.
SLOW=/dev/mapper/slow
slow() {
	echo "0 65536 linear /dev/$DISK2 0" | dmsetup create slow
	[ -b $SLOW ] || dmsetup mknodes
}
STOP="shell dmsetup suspend --noflush slow"
GO="shell dmsetup resume slow"

# held NAME STEP CHECK OFFSET: a pipe references three pages when the step removes them from the file.
# The step waits, the pipe keeps its content, and no other file gets the blocks.
held() {
	session "$1" <<-END
		open f held new
		write f 0 4M 1
		map m f 0 4M
		splice p m $4 12K
		start cut $2
		waiting cut
		# the filesystem still serves other files
		open g next new
		write g 0 1M 2
		drain p $4 12K 1
		finish cut
		write g 1M 4M 2
		check g 0 5M 2
		$3
	END
	rm "$MNT/$1/held" "$MNT/$1/next"
}
punch() { held "$1" "falloc f punch 0 2M" "load m 0 2M 0" 64K; }
punch_elsewhere() { held "$1" "falloc f punch 0 64K" "load m 64K 4032K 1" 2M; }
shortened() { held "$1" "truncate f 4K" "load m 0 4K 1" 1M; }
collapse() { held "$1" "falloc f collapse 0 1M" "load m 0 3M 1 @1M" 512K; }
zero() { held "$1" "falloc f zero 0 2M" "load m 0 2M 0" 64K; }
insert() { held "$1" "falloc f insert 0 1M" "check f 1M 4M 1 @0" 64K; }

mapped_again() { # a task faults the page in again while the punch waits for it; the punch ends all the same
	session "$1" <<-END
		open f again new
		write f 0 4M 1
		map m f 0 4M
		map n f 0 4M shift 4K
		splice p m 64K 12K
		start cut falloc f punch 0 2M
		waiting cut
		load m 64K 12K 1
		load n 64K 12K 1
		waiting cut
		drain p 64K 12K 1
		finish cut
		load m 0 2M 0
		load n 2M 2M 1
		splice p m 2M+64K 12K
		start cut truncate f 1M
		waiting cut
		touch n 2M+64K 12K
		drop p
		finish cut
	END
	rm "$MNT/$1/again"
}

removed() { # the file is deleted while the pipe references pages of it
	session "$1" <<-END
		open f removed new
		write f 0 4M 1
		map m f 0 4M
		splice p m 8K 12K
		unmap m
		close f
		start cut unlink removed
		waiting cut
		drain p 8K 12K 1
		finish cut
		open g next new
		write g 0 4M 2
		check g 0 4M 2
	END
	rm "$MNT/$1/next"
}

interrupted() { # a signal ends the wait, and the file is unchanged
	session "$1" <<-END
		open f interrupted new
		write f 0 4M 1
		map m f 0 4M
		splice p m 64K 12K
		signalled 300 fails EINTR falloc f punch 0 2M
		killed 300 falloc f punch 0 2M
		load m 0 4M 1
		check f 0 4M 1
		size f 4M
		drain p 64K 12K 1
		falloc f punch 0 2M
		check f 0 2M 0
	END
}

direct_out() { # O_DIRECT writes from the mapping: the device gets the bytes that were in the file
	session "$1" <<-END
		open f out new
		write f 0 4M 1
		open d $SLOW direct
		map m f 0 4M
		$STOP
		start io send d 0 64K m 1M
		sleep 200
		start cut falloc f punch 1M 2M
		waiting io
		waiting cut
		$GO
		finish io
		finish cut
		load m 1M 2M 0
		map n f 0 4M shift 4K
		check d 0 64K 1 @1M
		$STOP
		start io send d 64K 64K n 3M
		sleep 200
		start cut truncate f 0
		waiting cut
		$GO
		finish io
		finish cut
		check d 64K 64K 1 @3M
	END
}

direct_in() { # O_DIRECT reads into the mapping: they never store to blocks of another file
	session "$1" <<-END
		open f in new
		write f 0 4M 1
		open d $SLOW direct
		write d 0 1M 9
		map m f 0 4M
		receive d 0 64K m 2M
		check f 2M 64K 9 @0
		load m 2M 64K 9 @0
		$STOP
		start io receive d 0 1M m 1M
		sleep 200
		start cut truncate f 0
		waiting cut
		$GO
		finish io
		finish cut
		open g next new
		write g 0 4M 2
		check g 0 4M 2
		truncate f 4M
		check f 0 4M 0
	END
}

ring() { # O_DIRECT in both directions, by io_uring
	session "$1" <<-END
		open f ring new
		write f 0 4M 1
		open d $SLOW direct
		write d 0 1M 9
		map m f 0 4M
		ring read d 0 64K m 64K
		check f 64K 64K 9 @0
		ring write d 1M 64K m 2M
		check d 1M 64K 1 @2M
		$STOP
		start io ring read d 0 1M m 1M
		sleep 200
		start cut falloc f punch 0 4M
		waiting cut
		$GO
		finish io
		finish cut
		check f 0 4M 0
		# a long-term pin is refused, and leaves no reference
		fails EOPNOTSUPP fixed m 0 64K
		truncate f 0
	END
}

through() { # from one DAX mapping to another DAX file, and a file's mapping to itself
	session "$1" <<-END
		open f from new
		open g to new
		write f 0 4M 1
		truncate g 4M
		map m f 0 4M
		map n g 0 4M
		send g 4K 1M m 2M
		check g 4K 1M 1 @2M
		load n 4K 1M 1 @2M
		send f 0 64K m 1M
		check f 0 64K 1 @1M
		receive g 4K 64K n 3M
		check g 3M 64K 1 @2M
		# the source and the target of the write are holes
		open h hole new
		truncate h 4M
		map o h 0 4M
		send g 0 1M o 0
		check g 0 1M 0
		receive f 2M 1M o 2M
		check h 2M 1M 1
	END
}

other_process() { # process_vm_readv and process_vm_writev
	session "$1" <<-END
		open f process new
		truncate f 4M
		map m f 0 4M
		copyout m 0 64K 0
		copyin m 0 64K 1
		load m 0 64K 1
		copyin m 2M+4K 100K 2
		check f 2M+4K 100K 2
		copyout m 2M+4K 100K 2
		truncate f 1M
		fails EFAULT copyout m 2M 4K 0
		fails EFAULT copyin m 2M 4K 1
		copyout m 0 64K 1
		child copyin m 512K 4K 3
		load m 512K 4K 3
		sync f
		check f 512K 4K 3
	END
}

raced() { # NAME KINDS: threads of these kinds run at once for three seconds
	mkdir -p "$MNT/$1/race"
	# over C, ext4 lets a reader see unwritten blocks before it has zeroed them (README)
	_blocks=any
	if [ "$1" = ext4 ] && fsdax_is_c; then _blocks=written; fi
	daxexer race "$MNT/$1/race" --secs 3 --kinds "$2" --blocks $_blocks
}
calls() { raced "$1" cut,call; }
references() {
	ends_guest "a page that is mapped again while a truncation waits for it is waited for until it is unmapped"
	raced "$1" cut,map
}
tables() { # a thread drops page tables (MADV_DONTNEED) while a truncation unmaps their pages
	ends_guest "a page that is mapped again while a truncation waits for it is waited for until it is unmapped"
	raced "$1" cut,map,forget
}
all() {
	ends_guest "a write takes entries away whose pages are referenced, then a truncation waits for ever"
	raced "$1" cut,call,map
}

with ext4 xfs
on "ext4 xfs" "vmsplice: a punch waits" punch
on "ext4 xfs" "vmsplice: a punch elsewhere in the file waits, and ends" punch_elsewhere
on "ext4 xfs" "vmsplice: truncate waits" shortened
on "ext4 xfs" "vmsplice: collapse-range waits" collapse
on "ext4 xfs" "vmsplice: insert-range waits" insert
on "ext4 xfs" "vmsplice: zero-range waits" zero
on "ext4 xfs" "vmsplice: the removal of the file waits" removed
on "ext4 xfs" "vmsplice: the page is mapped again during the wait" mapped_again
on "ext4 xfs" "a signal ends the wait" interrupted
slow
on "ext4 xfs" "O_DIRECT from a mapping against punch and truncate" direct_out
on "ext4 xfs" "O_DIRECT into a mapping against truncate" direct_in
on "ext4 xfs" "io_uring into a mapping against punch; fixed buffers" ring
dmsetup remove slow
make_stripe
mkfs_dax stripe
mount_dax xfs /dev/mapper/stripe $MNT/stripe
on "ext4 xfs" "between files and mappings" through
on "ext4 xfs" "process_vm_readv and process_vm_writev" other_process
on "ext4 xfs stripe" "truncation races with references" references
on "ext4 xfs stripe" "truncation races with calls" calls
on "ext4 xfs stripe" "truncation races with both" all
on "ext4 xfs stripe" "truncation races with page tables that go" tables
on "ext4 xfs" "in order and complete after a remount" consistent
finish
