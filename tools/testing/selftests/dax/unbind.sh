#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Removing a pmem device under readers, writers and mappings.
# boot: main
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# lanes: all
# timeout: 90
# allow: (EXT4-fs|JBD2|XFS|Buffer I/O|Aborting journal|Remounting filesystem read-only|I/O error).*(pmem0|namespace)
# allow: pmem0.*(I/O [eE]rror|log I/O error|Filesystem has been shut down|metadata I/O)
# allow: (Please unmount the filesystem and rectify|previous I/O error to superblock)
# shellcheck shell=dash
. ./ktap.sh
. ./hammer-lib.sh

plan 8

raw() {
	_ns=$(namespace_of pmem0)
	hammers /dev/pmem0 direct read
	timeout $((20 * PATIENCE)) sh -c "echo $_ns >/sys/bus/nd/drivers/nd_pmem/unbind"
	ended direct
	# the page cache may serve buffered reads until the file is closed
	until_true 10 test -s /tmp/hammer.read.status || killall daxexer
	[ ! -e /sys/block/pmem0 ] || fail "the disk is still there"
	bind "$_ns"
	need_disk pmem0
	daxexer raw /dev/pmem0 --ops 20
}

start() { # FSTYPE
	zap /dev/pmem0
	MKFS_XFS_OPTS="-d agcount=1"
	mkfs_on "$1" /dev/pmem0
	mount_dax "$1" /dev/pmem0 "$MNT/$1"
	daxexer fill "$MNT/$1/kept" --len 8M --seed 5
	for _f in read map; do daxexer fill "$MNT/$1/$_f" --len 2M; done
	sync
}

# With ext4 no mapped file may be open when the device is removed. ext4 is no holder of
# the dax_device and gets no notification, so the file's entries stay, and C's fs/dax.c
# accesses freed page structs when the inode is evicted ("late entries" in README).
# The inodes of files that no process has open are evicted in time.
removed() { # FSTYPE HAMMERS...
	_fs=$1; shift
	_ns=$(namespace_of pmem0)
	echo "$_ns" >/tmp/namespace
	daxexer poke "$MNT/$_fs/map" --off 8192 --sync 1
	hammers "$MNT/$_fs" "$@"
	timeout $((20 * PATIENCE)) sh -c "echo $_ns >/sys/bus/nd/drivers/nd_pmem/unbind" || fail "unbind: status $?"
	ended "$@"
	want "read" "$(daxexer read "$MNT/$_fs/kept" 2>&1 | grep -o 'EIO\|Input/output' | head -n 1 | sed 's,Input/output,EIO,')" EIO
	(set +e; daxexer peek "$MNT/$_fs/kept"; [ $? != 0 ]) || fail "a new mapping can be read"
	umount "$MNT/$_fs"
}

intact() { # FSTYPE
	bind "$(cat /tmp/namespace)"
	need_disk pmem0
	# the mount replays the log, then the filesystem has to be in order
	mount_dax "$1" /dev/pmem0 "$MNT/$1"
	daxexer check "$MNT/$1/kept" --len 8M --seed 5
	daxexer check "$MNT/$1/kept" --len 8M --seed 5 --how mmap
	umount "$MNT/$1"
	check_fs "$1" /dev/pmem0
}

fresh_stack pmem0
it "raw disk: unbind under direct and buffered I/O, rebind, works again" raw
it "ext4: mounted -o dax, data written" start ext4
it "ext4: unbind under a reader and a writer: errors, no hang" removed ext4 read write
it "ext4: rebind: mounts, data intact, fsck clean" intact ext4
it "xfs: mounted -o dax, data written" start xfs
it "xfs: unbind under a reader, a writer and a mapper: errors, no hang" removed xfs map read write
it "xfs: rebind: mounts, data intact, xfs_repair clean" intact xfs

repeat() { # try often, to hit races
	_ns=$(namespace_of pmem0)
	for _i in 1 2 3 4 5 6 7 8; do
		hammers /dev/pmem0 direct
		unbind "$_ns"
		ended direct
		bind "$_ns"
		need_disk pmem0
	done
}
it "unbind under direct I/O, 8 times" repeat
finish
