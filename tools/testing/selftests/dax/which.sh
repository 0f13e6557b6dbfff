#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The components that run, and their interfaces: symbols, debugfs, trace points.
# boot: main
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# lanes: all
# timeout: 40
# shellcheck shell=dash
. ./ktap.sh
. ./evidence.sh

plan 5

parts() { # each component is present once, in Rust or in C
	evidence >/tmp/evidence
	cat /tmp/evidence
	want "parts" "$(grep -cE '^evidence: (core|fsdax|pmem|e820) +(rust|c) ' /tmp/evidence)" 4
}

symbols() { # the exported functions of drivers/dax/super.c and fs/dax.c
	for _s in dax_read_lock dax_read_unlock dax_add_host dax_remove_host fs_dax_get_by_bdev \
		fs_put_dax fs_dax_get dax_direct_access dax_zero_page_range dax_recovery_write \
		dax_copy_from_iter dax_copy_to_iter dax_flush dax_write_cache \
		dax_write_cache_enabled dax_synchronous set_dax_synchronous set_dax_nocache \
		set_dax_nomc dax_holder_notify_failure dax_holder dax_set_ops alloc_dax put_dax \
		kill_dax run_dax dax_alive inode_dax dax_inode dax_get_private dax_dev_get \
		dax_iomap_rw dax_iomap_fault dax_finish_sync_fault dax_writeback_mapping_range \
		dax_zero_range dax_truncate_page dax_break_layout dax_break_layout_final; do
		grep -q " [Tt] $_s\$" /tmp/kallsyms-all || echo "$_s" >>/tmp/missing
	done
	[ ! -e /tmp/missing ] || fail "missing: $(tr '\n' ' ' </tmp/missing)"
}

devices() { # debugfs: host, flags, operations, holder of every dax device
	_f=/sys/kernel/debug/dax/devices
	[ -e $_f ] || skip "the core has no list of devices"
	cat $_f
	grep -q pmem0 $_f || fail "pmem0 is not listed"
	_free=$(grep pmem0 $_f)
	mkfs_on xfs /dev/pmem0
	mount_dax xfs /dev/pmem0 $MNT/xfs
	_held=$(grep pmem0 $_f)
	echo "$_held"
	[ "$_free" != "$_held" ] || fail "a holder changes nothing in the list"
	umount $MNT/xfs
	want "pmem0 after the holder has gone" "$(grep pmem0 $_f)" "$_free"
	refused sh -c "echo x >$_f"
	_ns=$(namespace_of pmem0)
	unbind "$_ns"
	if grep pmem0 $_f; then fail "pmem0 is still listed"; fi
	bind "$_ns"
	need_disk pmem0
}

T=/sys/kernel/tracing
trace_points() { # ndctl's tests count them
	[ -d $T/events/fs_dax ] || skip "no trace events in this kernel"
	want "trace points" "$(ls -d $T/events/fs_dax/*/ | wc -l)" 12
	mkfs_on ext4 /dev/pmem0
	mount_dax ext4 /dev/pmem0 $MNT/ext4
	echo >$T/trace
	echo 1 >$T/events/fs_dax/enable
	daxexer fill $MNT/ext4/f --len 4M --how mmap
	echo 0 >$T/events/fs_dax/enable
	for _e in 'dax_(pte|pmd)_fault' dax_writeback_one dax_writeback_range; do
		grep -qE "$_e" $T/trace || fail "no $_e in the trace"
	done
	umount $MNT/ext4
}

loose() { # after the drivers are unloaded, the core lists no device
	_f=/sys/kernel/debug/dax/devices
	[ -e $_f ] || skip "the core has no list of devices"
	unload_stack
	if grep -E 'pmem|dax[0-9]' $_f; then fail "devices without a driver"; fi
}

fresh_stack pmem0 pmem1
grep -F dax /proc/kallsyms | cut -d' ' -f2- | sed 's/^/ /; s/	.*//' >/tmp/kallsyms-all
it "every part is there once, in Rust or in C" parts
it "every symbol of the contract is there" symbols
it "debugfs lists the devices" devices
it "the trace points of fs_dax" trace_points
it "the list is empty when the drivers are gone" loose
finish
