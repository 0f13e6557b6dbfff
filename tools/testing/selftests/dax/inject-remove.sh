#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The region, the bus or the provider's module is removed under full load.
# boot: inject
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# timeout: 300
# allow: (EXT4-fs|JBD2|XFS|Buffer I/O|Aborting journal|Remounting filesystem read-only|I/O error).*(pmem|namespace)
# allow: pmem.*(I/O [eE]rror|log I/O error|Filesystem has been shut down|metadata I/O)
# allow: (Please unmount the filesystem and rectify|previous I/O error to superblock)
# shellcheck shell=dash
. ./ktap.sh
. ./hammer-lib.sh

plan 7

DRIVER=/sys/bus/platform/drivers/e820_pmem
REGIONS=/sys/bus/nd/drivers/nd_region

away() { # WAY, while the filesystem on pmem0 is in use
	case "$1" in
	region) echo region0 >$REGIONS/unbind ;;
	bus) echo e820_pmem >$DRIVER/unbind ;;
	module) unload nd_e820 ;;
	esac
}

back() { # WAY
	case "$1" in
	region) echo region0 >$REGIONS/bind ;;
	bus) echo e820_pmem >$DRIVER/bind ;;
	module) load nd_e820 ;;
	esac
	settle
	need_disk pmem0
}

# If pages are in page tables when their device is removed, the memory management accesses their freed page
# structs. The driver notifies xfs, which unmaps them; ext4 gets no notification, so do not map files there.
work_on() {
	case "$1" in
	ext4) echo read write falloc sync ;;
	xfs) echo read write falloc sync map mapsync ;;
	esac
}

start() { # FSTYPE
	zap /dev/pmem0
	# with several allocation groups the removal waits for ever (deviations.rst)
	[ "$1" != xfs ] || MKFS_XFS_OPTS="-d agcount=1"
	mkfs_on "$1" /dev/pmem0
	mount_dax "$1" /dev/pmem0 "$MNT/$1"
	daxexer fill "$MNT/$1/kept" --len 8M --seed 5
	for _f in read falloc map mapsync; do daxexer fill "$MNT/$1/$_f" --len 2M --seed 9; done
	sync
}

removed() { # FSTYPE WAY
	start "$1"
	hammers "$MNT/$1" $(work_on "$1")
	log_mark
	# remove it in a background shell: if that waits for ever, the test still ends
	(away "$2" && touch /tmp/gone) &
	until_true 20 test -e /tmp/gone
	rm /tmp/gone
	ended $(work_on "$1")
	none_of /sys/block/pmem0 /dev/pmem0
	want "read" "$(daxexer read "$MNT/$1/kept" 2>&1 | grep -o 'EIO\|Input/output' | head -n 1 | sed 's,Input/output,EIO,')" EIO
	umount "$MNT/$1"
	back "$2"
	mount_dax "$1" /dev/pmem0 "$MNT/$1"
	daxexer check "$MNT/$1/kept" --len 8M --seed 5
	case "$1" in
	ext4) synced "$MNT/$1" sync ;;
	xfs) synced "$MNT/$1" sync mapsync ;;
	esac
	daxexer io "$MNT/$1" --ops 50 --files 1 --size 1M
	umount "$MNT/$1"
	check_fs "$1" /dev/pmem0
}

pinned() { # a mounted filesystem pins the modules
	start xfs
	hammers $MNT/xfs $(work_on xfs)
	refused rmmod nd_pmem
	refused rmmod nd_e820
	refused rmmod libnvdimm
	usleep 300000
	killall daxexer
	wait
	umount $MNT/xfs
	check_fs xfs /dev/pmem0
}

fresh_stack pmem0
it "xfs: no module goes while it is in use" pinned
for _fs in ext4 xfs; do
	for _way in region bus module; do
		it "$_fs: the $_way goes under load; what was synced is there afterwards" removed $_fs $_way
	done
done
finish
