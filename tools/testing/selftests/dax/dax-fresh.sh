#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Stores through a mapping, writes and reads come to blocks that the filesystem is just about to zero: none is
# lost, and none sees what the blocks held before.
# boot: dax
# disks: 256M 256M 128M 128M
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# timeout: 120
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh
. ./fresh-lib.sh

plan 17

with ext4 xfs
for _n in ext4 xfs; do
	held_on $_n
	it "$_n: come while a write has blocks zeroed" by_write
	it "$_n: come while a store has a page zeroed" by_store
	it "$_n: come while a store has 2 MiB zeroed" by_large_store
	# on xfs, mmap() waits already
	[ $_n = xfs ] || it "$_n: RWF_NOWAIT while a store has a page zeroed" not_waiting
	let_go
done
for _n in ext4 xfs; do together $_n 1 unwritten 4K; done
finish
