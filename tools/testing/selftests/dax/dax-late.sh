#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A pmem device is removed before the inodes of files that were mapped. On ext4, no file may be mapped
# at that time: DAX cannot notify ext4, so page tables would keep entries of removed memory.
# boot: dax-late
# disks: 256M 256M
# reload: yes
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# timeout: 60
# allow: (EXT4-fs|JBD2|XFS|Buffer I/O|Aborting journal|Remounting filesystem read-only|I/O error).*(pmem|namespace|dm-0)
# allow: pmem[0-9].*(I/O [eE]rror|log I/O error|Filesystem has been shut down|metadata I/O)
# allow: (Please unmount the filesystem and rectify|previous I/O error to superblock|lost filesystem error report)
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 6

# late STEPS END-STEPS: the steps before the device is removed, and those after it. ext4 is no holder of
# the dax_device and gets no notification, so entries stay in the file's mapping until its eviction.
late() {
	ends_guest "entries outlive the page structs that they stand for"
	umount $MNT/ext4 2>/dev/null || :
	mkfs_dax ext4
	mount_dax ext4 /dev/$DISK0 $MNT/ext4
	_ns=$(namespace_of $DISK0)
	daxexer fill $MNT/ext4/f --len 4M --how pwrite
	session ext4 <<-END
		open f f
		map m f 0 4M
		map s f 0 4M shift 4K
		$1
		unmap m
		unmap s
		shell echo $_ns >/sys/bus/nd/drivers/nd_pmem/unbind
		fails EIO check f 0 4K 1
		fails EIO map m f 0 4M
		$2
		close f
	END
	umount $MNT/ext4
	bind "$_ns"
	need_disk $DISK0
	zap /dev/$DISK0
}

# xfs is the holder of the dax_device, and the driver notifies it
told() {
	MKFS_XFS_OPTS="-d su=2m,sw=1,agcount=1" mkfs_on xfs /dev/$DISK1
	mount_dax xfs /dev/$DISK1 $MNT/xfs
	_ns=$(namespace_of $DISK1)
	_status=0
	session xfs <<-END || _status=$?
		open f f new
		write f 0 4M 1
		map m f 0 4M
		map s f 0 4M shift 4K
		store m 0 64K 2
		touch s 64K 64K
		sync f
		shell timeout 20 sh -c "echo $_ns >/sys/bus/nd/drivers/nd_pmem/unbind"
		touch m 0 4K
	END
	want "status of the process that maps it (135: SIGBUS)" $_status 135
	# the task gets SIGBUS early in the removal: wait until it is complete
	until_true 20 [ ! -e /dev/$DISK1 ] || fail "/dev/$DISK1 is still there"
	umount $MNT/xfs
	bind "$_ns"
	need_disk $DISK1
	mount_dax xfs /dev/$DISK1 $MNT/xfs
	daxexer check $MNT/xfs/f --len 64K --seed 2
	daxexer check $MNT/xfs/f --off 64K --len 4032K --seed 1
	umount $MNT/xfs
}

fresh_stack
it "xfs: unbind while a file is mapped" told
it "ext4: unbind while a file has entries of 2 MiB" late "load m 0 4M 1"
it "ext4: dirty ones" late "store m 0 64K 1"
it "ext4: entries of pages, and of holes" late "falloc f punch 2M 64K
load s 0 2M 1
load s 2M 64K 0
dirty s 4K 4K"
it "ext4: synced too late" late "dirty m 0 4K" "fails EIO sync f"
it "ext4: removed while it was open" late "dirty m 0 4K
unlink f"
finish
