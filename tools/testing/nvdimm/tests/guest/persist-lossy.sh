# SPDX-License-Identifier: GPL-2.0
# A kernel that leaves out three steps of those that make data durable (RUST_DAX_LOSE): the checker has
# to notice each. What is only in a cache and what lacks a fence are told apart, so that none of them
# hides another.
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

plan 10
load_stack
need_disk pmem0

lost_as() { # FILESYSTEM NAME STATE: lines of that state are lost first
	_said=$(lost "$1" "$2" 2>&1) || {
		echo "$_said"
		return 1
	}
	echo "$_said"
	case $_said in
	*", $3, stored to by "*) ;;
	*) fail "they are not lost as $3" ;;
	esac
}

for fs in ext4 xfs; do
	fresh $fs
	it "$fs: edges of a write that are not written back" \
		lost_as $fs "write of every size" dirty
	it "$fs: dirty pages that a punch forgets" lost_as $fs "a punch beside" dirty
	it "$fs: dirty pages that a zeroed range forgets" lost_as $fs "a zeroed range" dirty
	it "$fs: dirty pages that a truncation forgets" lost_as $fs "a truncation" dirty
	it "$fs: an fsync without a fence" \
		lost_as $fs "mmap stores, fsync" "written back without a fence"
	umount $MNT/$fs
	zap /dev/pmem0
done
finish
