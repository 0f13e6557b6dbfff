#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# fsync and msync write back each page with a store exactly once.
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

ONE='dax_writeback_one:.*pglen 0x1$'
HUGE='dax_writeback_one:.*pglen 0x200$'

# traced_session NAME FILE-STEPS...: run the steps, and trace those after the step "trace"
TRACE_NOW="shell echo >$TRACING/trace; echo 1 >$TRACING/events/fs_dax/enable"

fsync_pages() {
	session "$1" <<-END
		open f pages new
		write f 0 1M 1
		map m f 0 1M
		touch m 0 1M
		dirty m 0 64K
		dirty m 512K 4K
		$TRACE_NOW
		sync f
	END
	trace_off
	traced 17 "$ONE"
	traced 1 'dax_writeback_range:'
	traced 1 'dax_writeback_range_done:'
}

fsync_huge() {
	session "$1" <<-END
		open f huge new
		write f 0 8M 1
		map m f 0 8M
		touch m 0 8M
		dirty m 2M+4K 64K
		dirty m 6M 4K
		$TRACE_NOW
		sync f
	END
	trace_off
	traced 2 "$HUGE"
	traced 0 "$ONE"
}

once() { # fsync does not write clean pages again; a later store makes a page dirty again
	session "$1" <<-END
		open f once new
		write f 0 1M 1
		map m f 0 1M
		dirty m 0 64K
		sync f
		$TRACE_NOW
		sync f
		load m 64K 64K 1
		sync f
	END
	trace_off
	traced 0 dax_writeback_one
	session "$1" <<-END
		open f once
		map m f 0 1M
		dirty m 0 64K
		sync f
		$TRACE_NOW
		dirty m 4K 8K
		sync f
	END
	trace_off
	traced 2 "$ONE"
	# the write-back write-protects the page, so the next store faults
	traced 2 'dax_pte_fault_done:.*shared WRITE.*NOPAGE'
}

range() { # msync of a part writes only that part
	session "$1" <<-END
		open f range new
		write f 0 1M 1
		map m f 0 1M
		dirty m 0 1M
		$TRACE_NOW
		msync m 64K 32K
	END
	trace_off
	traced 8 "$ONE"
	traced 1 "dax_writeback_one:.*pgoff 0x10 "
	traced 1 "dax_writeback_one:.*pgoff 0x17 "
}

range_huge() { # msync of a part of a 2 MiB entry writes all of the entry
	session "$1" <<-END
		open f rangehuge new
		write f 0 4M 1
		map m f 0 4M
		dirty m 0 4M
		$TRACE_NOW
		msync m 1M 4K
	END
	trace_off
	traced 1 "$HUGE"
	traced 1 'dax_writeback_one:.*pgoff 0x0 '
}

two_maps() { # the write-back write-protects a page in both of its mappings
	session "$1" <<-END
		open f two new
		write f 0 64K 1
		map a f 0 64K
		map b f 0 64K
		dirty a 0 4K
		dirty b 0 4K
		child dirty b 0 4K
		sync f
		$TRACE_NOW
		dirty b 0 4K
		dirty a 0 4K
		sync f
	END
	trace_off
	traced 1 "$ONE"
	traced 2 'dax_pte_fault_done:.*shared WRITE.*NOPAGE'
}

# V1: 16 pages are dirty, then the step changes another part of the file. The step or the fsync has to
# write the pages back.
kept_dirty() { # NAME STEP
	_n=$1; shift
	session "$_n" <<-END
		open f dirty new
		write f 0 1M 1
		map m f 0 1M
		store m 0 64K 2
		$TRACE_NOW
		$*
		sync f
		load m 0 64K 2
	END
	trace_off
	traced 16 "$ONE"
}
punch() { kept_dirty "$1" falloc f punch 512K 4K; }
zero_range() { kept_dirty "$1" falloc f zero 512K 4K; }
extend() { kept_dirty "$1" truncate f 2M; }
shrink() { kept_dirty "$1" truncate f 512K; }
insert() { kept_dirty "$1" falloc f insert 512K 64K; }

gone() { # fsync does not write pages that a truncation removed; the truncation may have written them
	session "$1" <<-END
		open f gone new
		write f 0 1M 1
		map m f 0 1M
		dirty m 0 64K
		truncate f 0
		$TRACE_NOW
		sync f
		truncate f 1M
		load m 0 1M 0
	END
	trace_off
	traced 0 'dax_writeback_one:.*pgoff 0x[1-9a-f]'
}

evicted() { # dirty pages of a file that no process has open
	session "$1" <<-END
		open f evicted new
		write f 0 4M 1
		map m f 0 4M
		store m 0 64K 2
		map s f 2M 2M shift 4K
		store s 0 64K 2
		unmap m
		unmap s
		close f
		shell echo 3 >/proc/sys/vm/drop_caches
		shell sync; echo 3 >/proc/sys/vm/drop_caches
		open f evicted
		check f 0 64K 2
		check f 64K 1984K 1
		check f 2M 64K 2
		map m f 0 4M
		load m 0 64K 2
		load m 2M 64K 2
		load m 2112K 1984K 1
	END
}

removed() { # an open, mapped, dirty file is unlinked
	session "$1" <<-END
		open f removed new
		write f 0 4M 1
		map m f 0 4M
		store m 0 64K 2
		unlink removed
		load m 0 64K 2
		store m 2M 2M 3
		close f
		load m 2M 2M 3
		store m 4K 4K 4
		unmap m
		open g other new
		write g 0 8M 5
		check g 0 8M 5
	END
}

# probed on|off: have kprobe events for calls of dax_flush(), of the driver's flush, and of
# arch_wb_cache_pmem()
probed() {
	if [ "$1" = off ]; then
		echo 0 >$TRACING/events/kprobes/enable
		echo >$TRACING/kprobe_events
		return
	fi
	# TCG sometimes executes code wrongly in which kprobes replace a breakpoint by a jump
	change /proc/sys/debug/kprobes-optimization 0
	{
		echo p:asked dax_flush
		echo p:flushed arch_wb_cache_pmem
		awk '$3 ~ /^_R.*OperationsVTable.*7nd_pmem.*5flush/ { print "p:driver nd_pmem:" $3; exit }' /proc/kallsyms
	} >$TRACING/kprobe_events
	echo >$TRACING/trace
	echo 1 >$TRACING/events/kprobes/enable
}

# flushes COUNT: punch a hole in a file with 16 dirty pages elsewhere; the device flushes COUNT of them
flushes() {
	session "$_n" <<-END
		open f flushes new
		write f 0 1M 1
		map m f 0 1M shift 4K
		store m 0 64K 2
		shell echo >$TRACING/trace
		falloc f punch 512K 64K
		shell cp $TRACING/trace $TRACE
	END
	grep -E ' (asked|flushed|driver):' $TRACE | sed 's/.*: (//' | sort | uniq -c
	traced 16 ' asked:'
	traced "$1" ' (flushed|driver):'
}

asks() { # with its write cache off, the device does not flush the dirty pages
	! fsdax_is_c || skip "fs-dax in C does not flush these dirty pages"
	_n=$1 _wc=/sys/block/$(basename "$(device "$1")")/dax/write_cache
	probed on
	_failed=0
	(set -e; flushes 16; echo 0 >"$_wc"; flushes 0) || _failed=1
	echo 1 >"$_wc"
	probed off
	return $_failed
}

with ext4 xfs stripe
on "ext4 xfs" "fsync writes the pages that were stored to" fsync_pages
on "ext4 xfs stripe" "fsync writes 2 MiB at a time" fsync_huge
on "ext4 xfs" "what is clean is not written again" once
on "ext4 xfs" "msync of a part" range
on "ext4 xfs" "msync of a part of 2 MiB" range_huge
on "ext4 xfs" "two mappings and a child" two_maps
on "ext4 xfs" "dirty pages survive a punch elsewhere" punch
on "ext4 xfs" "dirty pages survive a zero-range elsewhere" zero_range
on "ext4 xfs" "dirty pages survive a growing truncate" extend
on "ext4 xfs" "dirty pages survive a truncate behind them" shrink
on "ext4 xfs" "dirty pages survive an insert-range behind them" insert
on "ext4 xfs" "what was cut off is not written" gone
on "ext4 xfs" "eviction of dirty inodes" evicted
on "ext4 xfs" "removal of an open, dirty file" removed
on "ext4 xfs" "in order and complete after a remount" consistent
on "ext4 xfs" "breaking a layout flushes only with the device's write cache on" asks
finish
