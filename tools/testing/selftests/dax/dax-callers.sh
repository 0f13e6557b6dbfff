#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What memory management and the filesystems do with a mapped DAX file when they are asked to reclaim, lock,
# patch, swap, run or replace it. Documentation/mm-callers.rst has a table.
# boot: dax-mm
# disks: 256M 256M 128M 128M
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M numa=fake=2
# mem: 2G
# lanes: ctwin
# timeout: 90
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 33

cooled() { # advice to reclaim: a part of 2 MiB and all of it, of this process and of another
	session "$1" <<-END
		open f cool new
		write f 0 4M 1
		map m f 0 4M
		touch m 0 4M
		advise m 64K 64K cold
		advise m 2M+64K 64K pageout
		advise m 0 4M cold
		advise m 0 4M pageout
		pages m 0 4M huge:1024
		dirty m 0 4K
		advise m 64K 64K cold
		advise m 64K 64K pageout
		child remote m 0 4M cold
		child remote m 64K 64K pageout
		child remote m 0 4M pageout
		child remote m 0 4M willneed
		child fails EINVAL remote m 0 4M populate-read
		pages m 0 4M huge:1024
		load m 4K 4092K 1
		map p f 0 4M private
		touch p 0 4M
		advise p 64K 64K cold
		advise p 64K 64K pageout
		load p 4K 4092K 1
	END
}

refused_advice() { # advice that makes no sense for DAX
	session "$1" <<-END
		open f refused new
		write f 0 4M 1
		map m f 0 4M
		map p f 0 4M private
		touch m 0 4M
		dirty p 0 64K
		fails EINVAL advise m 0 4M free
		fails EINVAL advise p 0 4M free
		fails EINVAL advise m 0 4M collapse
		fails EINVAL advise p 0 4M collapse
		child fails EINVAL remote m 0 4M collapse
		fails EINVAL advise m 0 4M wipeonfork
		# this is ignored
		advise m 0 4M mergeable
		noflag m mg
		advise p 0 4M mergeable
		noflag p mg
		load m 64K 4032K 1
	END
}

merging() { # KSM does not look at private copies
	_ksm=/sys/kernel/mm/ksm
	[ -d $_ksm ] || skip "no KSM in this kernel"
	change $_ksm/run 1
	session "$1" <<-END
		open f merge new
		truncate f 4M
		map p f 0 4M private
		advise p 0 4M mergeable
		dirty p 0 64K
		sleep 300
		smaps p KSM 0
	END
	echo 2 >$_ksm/run
	echo 0 >$_ksm/run
}

guarded() { # guard regions
	session "$1" <<-END
		open f guard new
		write f 0 4M 1
		map m f 0 4M
		touch m 0 4M
		advise m 64K 64K guard
		dies segv touch m 64K 4K
		dies segv dirty m 124K 4K
		load m 0 64K 1
		store m 128K 64K 2
		write f 64K 4K 3
		dies segv touch m 64K 4K
		falloc f punch 64K 8K
		dies segv touch m 64K 4K
		truncate f 2M
		truncate f 4M
		dies segv touch m 64K 4K
		advise m 64K 64K unguard
		load m 64K 8K 0
		load m 72K 56K 1
		store m 64K 8K 4
		check f 64K 8K 4
		check f 128K 64K 2
	END
}

inherited() { # advice for children
	session "$1" <<-END
		open f inherit new
		write f 0 4M 1
		map m f 0 4M
		touch m 0 2M
		advise m 0 2M dontfork
		dies segv touch m 0 4K
		child load m 2M 2M 1
		advise m 0 2M dofork
		child load m 0 4M 1
	END
}

locked() { # mlock faults all pages in; DAX has nothing that could be reclaimed, and no area is locked
	session "$1" <<-END
		open f lock new
		write f 0 4M 1
		map m f 0 4M
		map p f 0 4M private
		mlock m 0 4M
		smaps m Rss 4096
		smaps m Locked 0
		noflag m lo
		mlock p 0 64K
		smaps p Anonymous 64
		munlock m 0 4M
		munlock p 0 64K
		load m 0 4M 1
		load p 0 4M 1
		falloc f punch 0 64K
		load m 0 64K 0
		load p 0 64K 1
	END
}

woken() { # a futex in a file: the key is the file and the place, whatever the mapping
	session "$1" <<-END
		open f futex new
		truncate f 6M
		falloc f alloc 0 4M
		map a f 0 6M
		map b f 0 6M shift 4K
		start t wait a 64K+8
		waiting t
		wake b 64K+4 0
		wake b 64K+8 1
		finish t
		# in 2 MiB that is taken apart in between
		touch a 2M 4K
		start t wait a 2M+512K
		waiting t
		write f 2M 4K 0
		advise a 2M 2M dontneed
		wake b 2M+512K 1
		finish t
		# a hole gets a block
		start t wait a 4M+8
		waiting t
		wake b 4M+8 1
		finish t
		# a private mapping is the task's own
		map p f 0 4M private
		start t wait p 64K
		waiting t
		wake a 64K 0
		wake p 64K 1
		finish t
	END
}

woken_shared() { # a page of shared blocks that is only read has no file of its own, so no key; nor has a hole
	session "$1" <<-END
		open f futexfrom new
		write f 0 2M 0
		open g futexto new
		clone f 0 2M g 0
		truncate g 4M
		map a f 0 2M
		map r g 0 4M ro
		touch a 0 2M
		touch r 0 2M
		fails EFAULT wait r 8
		fails EFAULT wait r 2M+8
		# a mapping for writing gets blocks of its own
		map b g 0 2M
		store b 0 4K 0
		start t wait b 8
		waiting t
		wake r 8 1
		finish t
	END
}

debugged() { # a debugger reads and writes, where the task may not write too
	session "$1" <<-END
		open f debug new
		truncate f 4M
		write f 0 2M 1
		map m f 0 4M
		map r f 0 4M ro
		map p f 0 4M private ro
		touch m 0 2M
		inspect m 0 2M 1
		inspect r 2M 64K 0
		patch m 4K+8 8K 2
		load m 4K+8 8K 2
		check f 4K+8 8K 2
		patch m 2M+8 8K 3
		check f 2M+8 8K 3
		fails EIO patch r 0 4K 4
		debug m 16K 4
		check f 16K 8 4
		debug m 3M+16 4
		check f 3M+16 8 4
		fails EIO debug r 0 4
		# a breakpoint, where the task may not write: the copy is the child's
		debug p 4K 5
		debug p 3M 5
		load p 4K 8 1
		load p 3M 8 0
		load m 4K+8 8K 2
		check f 2M+8 8K 3
	END
}

swapped() { # private copies go to swap, on pmem too, and come back
	mkswap /dev/$DISK3 >/dev/null
	swapon /dev/$DISK3
	_rc=0
	(session "$1" <<-END
		open f swap new
		write f 0 4M 1
		map p f 0 4M private
		map m f 0 4M
		store p 0 512K 2
		touch p 512K 512K
		advise p 0 1M pageout
		smaps p Swap 512
		pagemap p 0 swapped
		pagemap p 512K present file exclusive
		resident p 0 512K 0
		load m 0 4M 1
		write f 0 256K 3
		child load p 0 256K 2
		advise p 0 512K willneed
		load p 0 512K 2
		load p 512K 512K 1
		smaps p Swap 0
		store p 0 64K 4
		advise p 0 64K pageout
		falloc f punch 0 64K
		load p 0 64K 4
		load m 0 64K 0
		advise p 0 64K pageout
		truncate f 0
		dies bus touch p 0 4K
	END
	) || _rc=$?
	swapoff /dev/$DISK3
	zap /dev/$DISK3
	return $_rc
}

runs() { [ "$(readlink /proc/$1/exe)" = "$2" ]; } # PID PROGRAM
executed() { # a program on DAX: it runs, cannot be written meanwhile, and takes no uprobes
	cp /bin/busybox "$MNT/$1/busybox"
	"$MNT/$1/busybox" true
	"$MNT/$1/busybox" sleep 1000 &
	until_true 20 runs $! "$MNT/$1/busybox"
	session "$1" <<-END
		fails ETXTBSY open f busybox
	END
	_uprobes=/sys/kernel/tracing/uprobe_events
	if [ -e $_uprobes ]; then
		echo "p:dax $MNT/$1/busybox:0x1000" >$_uprobes
		refused_for "rror" sh -c 'echo 1 >/sys/kernel/tracing/events/uprobes/dax/enable'
		echo >$_uprobes
	fi
	kill $!
	wait
	"$MNT/$1/busybox" cmp "$MNT/$1/busybox" /bin/busybox
}

remapped() { # remap_file_pages
	session "$1" <<-END
		open f remap new
		write f 0 4M 1
		map m f 0 4M
		touch m 0 4M
		remap m 0 2M 2M
		load m 0 64K 1 @2M
		remap m 2M 4K 0
		load m 2M 4K 1 @0
		load m 2M+4K 64K 1
	END
}

remapped_sync() { # it drops MAP_SYNC, as it does not ask for it
	session "$1" <<-END
		open f remap new
		write f 0 4M 1
		map m f 0 4M sync
		flag m sf
		protect m 0 64K r
		flag m sf
		move m 4M
		flag m sf
		remap m 0 64K 64K
		$(has_fix remap-file-pages-sync && echo flag || echo noflag) m sf
	END
}

# has_fix NAME: the kernel was integrated with that fix (make integrate FIXES=1)
has_fix() { zcat /proc/config.gz 2>/dev/null | grep -qE "^CONFIG_RUST_DAX_FIXES=\"(.* )?$1( .*)?\""; }

exchanged() { # XFS_IOC_SWAPEXT waits for those who have pages of the file
	has_fix xfs-swapext-dax || skip "xfs removes the entries without a layout break, with a warning"
	session "$1" <<-END
		open f swapext new
		write f 0 4M 1
		open g swapextdonor new
		write g 0 4M 2
		map m f 0 4M
		map n g 0 4M
		load m 0 4M 1
		store n 0 64K 3
		splice p m 64K 12K
		start swap shell xfs_io -c 'swapext $MNT/$1/swapextdonor' $MNT/$1/swapext
		waiting swap
		load m 0 64K 1
		drain p 64K 12K 1
		finish swap
		load m 0 64K 3
		load m 64K 4032K 2
		load n 0 4M 1
		store m 0 64K 4
		check f 0 64K 4
		check g 0 64K 1
	END
}

swap_file() { # no swap in a file of DAX
	session "$1" <<-END
		open f swapfile new
		write f 0 4M 0
	END
	mkswap "$MNT/$1/swapfile" >/dev/null
	refused_for "Invalid argument" swapon "$MNT/$1/swapfile"
	session "$1" <<-END
		open f swapfile
		map m f 64K 1M
		load m 0 1M 0
	END
}

looped() { # a loop device over a DAX file; sendfile and O_DIRECT between files
	truncate -s 8M "$MNT/$1/disk"
	_loop=$(losetup -f --show "$MNT/$1/disk")
	daxexer raw "$_loop" --len 4M --ops 10 --seed 5
	daxexer fill "$_loop" --len 1M --seed 7
	blockdev --flushbufs "$_loop"
	losetup -d "$_loop"
	daxexer check "$MNT/$1/disk" --len 1M --seed 7
	dd if="$MNT/$1/disk" of="$MNT/$1/copy" bs=64k iflag=direct oflag=direct 2>/dev/null
	cat "$MNT/$1/copy" >"$MNT/$1/other"
	cmp "$MNT/$1/disk" "$MNT/$1/other"
	rm "$MNT/$1/disk" "$MNT/$1/copy" "$MNT/$1/other"
}

dropped() { # caches are dropped and advice is given while the file is mapped
	session "$1" <<-END
		open f drop new
		write f 0 4M 1
		map m f 0 4M
		touch m 0 2M
		dirty m 2M 4K
		shell echo 3 >/proc/sys/vm/drop_caches
		shell xfs_io -c 'fadvise -d 0 4M' -c 'fadvise -w 0 4M' -c 'fadvise -r' $MNT/$1/drop
		pages m 0 4M huge:1024
		load m 0 2M 1
		load m 2M+4K 1M 1
		unmap m
		close f
		shell echo 3 >/proc/sys/vm/drop_caches
		open f drop
		check f 0 2M 1
		check f 2M+8 2097144 1
	END
}

with ext4 xfs
on "ext4 xfs" "cold and pageout" cooled
on "ext4 xfs" "advice that is refused" refused_advice
on "xfs" "KSM" merging
on "ext4 xfs" "guard regions" guarded
on "ext4 xfs" "advice for children" inherited
on "ext4 xfs" "mlock" locked
on "ext4 xfs" "futexes" woken
on "xfs" "futexes in shared blocks and holes" woken_shared
on "ext4 xfs" "a debugger" debugged
on "ext4 xfs" "swap" swapped
on "ext4 xfs" "a program" executed
on "ext4 xfs" "remap_file_pages" remapped
on "ext4 xfs" "remap_file_pages and MAP_SYNC" remapped_sync
on "ext4 xfs" "swapon of a file" swap_file
on "ext4 xfs" "a loop device" looped
on "ext4 xfs" "dropped caches" dropped
on "xfs" "swapped extents" exchanged
on "ext4 xfs" "in order and complete after a remount" consistent
finish
