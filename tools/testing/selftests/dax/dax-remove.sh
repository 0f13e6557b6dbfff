#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Removing a pmem device below an xfs of several groups, as mkfs makes it, with files in all of them.
# boot: main
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# lanes: ctwin
# timeout: 120
# allow: (XFS|Buffer I/O|I/O error).*(pmem0|namespace)
# allow: pmem0.*(I/O [eE]rror|log I/O error|Filesystem has been shut down|metadata I/O)
# allow: (Please unmount the filesystem and rectify|previous I/O error to superblock|lost filesystem error report)
# shellcheck shell=dash
. ./ktap.sh
. ./hammer-lib.sh

plan 4

DIR=$MNT/xfs
# xfs puts the directories into different groups, and files near their directories
PLACES='0 1 2 3 4 5 6 7'

made() {
	needs_fix xfs-failed-range
	zap /dev/pmem0
	# with these variables mkfs.xfs makes one group
	(unset TEST_DIR TEST_DEV QA_CHECK_FS && mkfs_on xfs /dev/pmem0)
	_groups=$(xfs_db -r -c 'sb 0' -c 'p agcount' /dev/pmem0 | sed 's/.*= //')
	[ "$_groups" -gt 1 ] || fail "mkfs.xfs makes $_groups group"
	mount_dax xfs /dev/pmem0 $DIR
	for _i in $PLACES; do
		mkdir $DIR/$_i
		daxexer fill $DIR/$_i/kept --len 2M --seed "$_i"
		daxexer fill $DIR/$_i/map --len 2M
		# extents far behind in a file, behind its end, and shared
		session $_i <<-END
			open s sparse new
			truncate s 8G
			write s 7G 64K 1
			write s 4G+4K 64K 1
			falloc s keep 8G 1M
			open k kept
			open c clone new
			clone k 0 2M c 0
		END
	done
	sync
}

session() { daxexer session "$DIR/$1"; }

# start a process in each place that stores to its mapped file, and one that only has mapped others
users() {
	for _i in $PLACES; do
		(set +e
		 daxexer hammer map $DIR/$_i/map --len 2M --secs $((60 * PATIENCE)) >/tmp/hammer.$_i 2>&1
		 echo $? >/tmp/hammer.$_i.status) &
		(set +e
		 daxexer session $DIR/$_i >/tmp/idle.$_i 2>&1 <<-END
			open k kept
			open s sparse
			open c clone
			map m k 0 2M
			map n s 7G 64K
			map o c 0 2M
			touch m 0 2M
			touch n 0 64K
			touch o 0 64K
			dirty o 64K 4K
			shell echo ready >/tmp/idle.$_i.ready
			sleep $((60000 * PATIENCE))
		END
		 echo $? >/tmp/idle.$_i.status) &
	done
	for _i in $PLACES; do
		until_true 20 grep -q started /tmp/hammer.$_i
		until_true 20 test -s /tmp/idle.$_i.ready
	done
}

# killed KIND: the processes of that kind got SIGBUS
killed() {
	for _i in $PLACES; do
		until_true 20 test -s "/tmp/$1.$_i.status"
		want "$1 $_i" "$(cat "/tmp/$1.$_i.status")" 135
	done
}

removed() {
	needs_fix xfs-failed-range
	rm -f /tmp/hammer.* /tmp/idle.*
	namespace_of pmem0 >/tmp/namespace
	users
	echo "$(cat /tmp/namespace)" >/sys/bus/nd/drivers/nd_pmem/unbind
	killed hammer
	killed idle
	for _i in $PLACES; do
		want read "$(daxexer read $DIR/$_i/kept 2>&1 | grep -o 'EIO\|Input/output' | head -n 1 | sed 's,Input/output,EIO,')" EIO
		refused daxexer peek $DIR/$_i/kept
	done
	umount $DIR
}

intact() {
	needs_fix xfs-failed-range
	bind "$(cat /tmp/namespace)"
	need_disk pmem0
	# the mount replays the log, then the filesystem has to be in order
	mount_dax xfs /dev/pmem0 $DIR
	for _i in $PLACES; do
		daxexer check $DIR/$_i/kept --len 2M --seed "$_i"
		daxexer check $DIR/$_i/kept --len 2M --seed "$_i" --how mmap
	done
	umount $DIR
	check_fs xfs /dev/pmem0
}

again() { # once more without users: inodes in memory are enough
	needs_fix xfs-failed-range
	mount_dax xfs /dev/pmem0 $DIR
	cat $DIR/*/kept >/dev/null
	unbind "$(cat /tmp/namespace)"
	umount $DIR
	bind "$(cat /tmp/namespace)"
	need_disk pmem0
}

fresh_stack pmem0
it "xfs of several groups: files in all of them" made
it "unbind under mappings: SIGBUS, EIO, the unmount works" removed
it "rebind: mounts, data intact, xfs_repair clean" intact
it "unbind without a mapping" again
finish
