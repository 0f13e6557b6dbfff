#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# On a kernel that leaves out three steps that make data durable (RUST_DAX_LOSE), the checker has to notice
# each. The tests also check the state of the lost lines, in a cache or without a fence, so that one defect
# cannot hide another.
# boot: persist-lossy
# cmdline: memmap=256M!1G memmap=256M!1280M norandmaps
# mem: 2G
# smp: 1
# watch: strict
# crate: persist-scenarios
# only: lossy
# timeout: 120
# shellcheck shell=dash
. ./ktap.sh
. ./persist-lib.sh

plan 14
load_stack
need_disk pmem0
quiet

lost_as() { # STATE GROUP NAME PATH: the first lost line has that state
	_state=$1
	shift
	_said=$(lost "$@" 2>&1) || {
		echo "$_said"
		return 1
	}
	echo "$_said"
	case $_said in
	*", $_state, stored to by "*) ;;
	*) fail "they are not lost as $_state" ;;
	esac
}
UNFENCED="on its way without a fence"

for fs in ext4 xfs; do
	dir=$MNT/$fs
	fresh $fs
	it "$fs: edges of a write that are not written back" lost_as dirty dax "write of every size" $dir
	it "$fs: dirty pages that a punch forgets" lost_as dirty dax "a punch beside" $dir
	it "$fs: dirty pages that a zeroed range forgets" lost_as dirty dax "a zeroed range" $dir
	it "$fs: dirty pages that a truncation forgets" lost_as dirty dax "a truncation" $dir
	it "$fs: an fsync without a fence" lost_as "$UNFENCED" dax "mmap stores, fsync" $dir
	it "$fs: metadata without a fence" lost_as "$UNFENCED" any "renamed over" $dir
	umount $dir
	zap /dev/pmem0
done
it "direct writes without a fence" lost_as "$UNFENCED" device "direct writes, fsync" /dev/pmem0
it "FUA without a fence" lost_as "$UNFENCED" device "O_DSYNC" /dev/pmem0
finish
