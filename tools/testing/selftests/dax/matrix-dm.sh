#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The matrix, device mapper: the targets that dm.sh leaves out. Targets without DAX refuse
# it. A table that turns into "error" gives errors, and no task hangs.
# boot: matrix
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# root: yes
# lanes: ctwin stock
# tier: full
# timeout: 240
# shellcheck shell=dash
. ./ktap.sh
. ./matrix-lib.sh

plan 13

LEN=393216 # sectors, 192 MiB

target() { # NAME: skip the test if the kernel lacks the target
	modprobe -q "dm-$1" || :
	dmsetup targets | grep -q "^$1 " || skip "no dm-$1 in this kernel"
}

# dm_cell TARGET FSTYPE dax|nodax TABLE
dm_cell() {
	target "$1"
	leave_nothing
	zap /dev/pmem1
	echo "$4" | dm_make cell
	cell "$2" /dev/mapper/cell "$3" dm_again cell
	dmsetup remove cell
}

logged() { # dm-log-writes has logged the metadata: its superblock counts entries
	dm_cell log-writes "$1" dax "0 $LEN log-writes /dev/pmem0 /dev/pmem1"
	[ "$(od -A n -t u8 -j 16 -N 8 /dev/pmem1)" -gt 0 ] || fail "the log is empty"
}

snapshot() { # FSTYPE: the snapshot keeps the old content of the origin
	target snapshot
	leave_nothing
	zap /dev/pmem1
	echo "0 $LEN snapshot-origin /dev/pmem0" | dm_make origin
	mkfs_on "$1" /dev/mapper/origin
	cell_mount "$1" /dev/mapper/origin nodax
	use $CELL nodax
	daxexer manifest $CELL >/tmp/manifest
	dmsetup suspend origin
	echo "0 $LEN snapshot /dev/pmem0 /dev/pmem1 P 8" | dm_make snapshot
	dmsetup resume origin
	daxexer fill $CELL/mapped --len 3M --seed 7
	umount $CELL
	refused mount -t ext4 -o dax=always /dev/mapper/snapshot $CELL
	mount -t "$1" /dev/mapper/snapshot $CELL
	daxexer verify /tmp/manifest --only $CELL
	umount $CELL
	check_fs "$1" /dev/mapper/snapshot
	dmsetup remove snapshot
	dmsetup remove origin
}

table() { # TEXT: load another table under the mounted filesystem
	echo "$1" | dmsetup load faulty && dmsetup resume faulty
}
status() { (set +e; "$@" >/dev/null 2>&1; echo $?); }

start_faulty() { # FSTYPE
	leave_nothing
	echo "0 $LEN linear /dev/pmem0 0" | dm_make faulty
	mkfs_on "$1" /dev/mapper/faulty
	mount_dax "$1" /dev/mapper/faulty $CELL
	daxexer fill $CELL/file --len 4M --seed 5
	daxexer fill $CELL/mapped --len 4M --seed 6 --how mmap
	sync
	daxexer manifest $CELL >/tmp/manifest
}
errors() {
	daxexer hammer read $CELL/mapped --len 4M --secs 30 >/tmp/hammer 2>&1 &
	_hammer=$!
	until_true 5 grep -q started /tmp/hammer
	table "0 $LEN error"
	wait $_hammer || :
	tail -n 1 /tmp/hammer
	want "read" "$(daxexer read $CELL/file)" EIO
	want "load (135 is SIGBUS)" "$(status daxexer peek $CELL/file --off 1M)" 135
	want "load from what had been mapped" "$(status daxexer peek $CELL/mapped --off 1M)" 135
	# the filesystem may have shut down and refuse to open files for writing
	refused daxexer fill $CELL/file --off 8192 --len 4096
	refused daxexer poke $CELL/file --off 2M
}
healed() { # FSTYPE
	umount $CELL
	table "0 $LEN linear /dev/pmem0 0"
	mount_dax "$1" /dev/mapper/faulty $CELL # the log
	daxexer verify /tmp/manifest
	daxexer check $CELL/file --len 4M --seed 5 --how mmap
	umount $CELL
	check_fs "$1" /dev/mapper/faulty
	dmsetup remove faulty
}

# a device with DAX refuses a table without DAX
no_longer() {
	leave_nothing
	echo "0 $LEN linear /dev/pmem0 0" | dm_make faulty
	log_mark
	refused table "0 $LEN snapshot-origin /dev/pmem0"
	log_says "can't change device type"
	refused table "0 2048 linear /dev/pmem0 0
2048 $((LEN - 2048)) error"
	dmsetup remove faulty
}

fresh_stack pmem0 pmem1
modprobe -q dm_mod || :
it "dm-log-writes: ext4" logged ext4
it "dm-log-writes: xfs" logged xfs
it "dm-writecache: ext4" dm_cell writecache ext4 nodax "0 $LEN writecache p /dev/pmem0 /dev/pmem1 4096 0"
it "dm-writecache: xfs" dm_cell writecache xfs nodax "0 $LEN writecache p /dev/pmem0 /dev/pmem1 4096 0"
it "dm-snapshot-origin: xfs" dm_cell snapshot-origin xfs nodax "0 $LEN snapshot-origin /dev/pmem0"
it "dm-snapshot: ext4" snapshot ext4
for fs in ext4 xfs; do
	it "dm-error: $fs before" start_faulty $fs
	it "dm-error: $fs, every access is an error" errors
	it "dm-error: $fs afterwards, all there" healed $fs
done
it "a table without DAX is refused where one with DAX is" no_longer
finish
