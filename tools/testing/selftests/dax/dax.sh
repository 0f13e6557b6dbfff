# SPDX-License-Identifier: GPL-2.0
# For dax-*.sh: filesystems made for 2 MiB faults, on a pmem device or on a stripe
# of two; sessions, which are steps of one process; and the trace events.
# shellcheck shell=dash
#
#	. ./ktap.sh
#	. ./dax.sh
#	with ext4 xfs stripe
#	it ... ; session ext4 <<-END ... END
#
# $DISK0 is for ext4, $DISK1 for xfs, $DISK2 and $DISK3 for a stripe with xfs.

# device NAME: print the device of the filesystem
device() {
	case "$1" in
	ext4) echo /dev/$DISK0 ;;
	xfs) echo /dev/$DISK1 ;;
	stripe) echo /dev/mapper/stripe ;;
	esac
}
fstype() { [ "$1" = ext4 ] && echo ext4 || echo xfs; }

make_stripe() { # chunks of 2 MiB
	_s=$(smaller $DISK2 $DISK3)
	echo "0 $((_s * 2)) striped 2 4096 /dev/$DISK2 0 /dev/$DISK3 0" | dmsetup create stripe
	[ -b /dev/mapper/stripe ] || dmsetup mknodes
}

# make a filesystem that aligns blocks to 2 MiB, so that 2 MiB faults succeed
mkfs_dax() { # NAME
	case "$1" in
	ext4) mkfs.ext4 -q -F -b 4096 -E stride=512,stripe_width=512 /dev/$DISK0 ;;
	xfs) MKFS_XFS_OPTS="-d su=2m,sw=1" mkfs_on xfs /dev/$DISK1 ;;
	stripe) MKFS_XFS_OPTS="-d su=2m,sw=2" mkfs_on xfs /dev/mapper/stripe ;;
	esac
}

# with NAME...: have fresh disks, and mount these filesystems at /mnt/NAME
with() {
	load dm-mod 2>/dev/null
	fresh_stack
	for _n in "$@"; do
		[ "$_n" = stripe ] && make_stripe
		mkfs_dax "$_n" && mount_dax "$(fstype "$_n")" "$(device "$_n")" "$MNT/$_n" || {
			echo "# $_n cannot be made"
			exit 1
		}
	done
}

# session NAME: run the steps in standard input in one process, in /mnt/NAME
session() { daxexer session "$MNT/$1"; }

# on "ext4 xfs" DESCRIPTION FUNCTION: a test for each of these filesystems; the function gets its name
on() {
	_on=$1 _what=$2 _function=$3
	for _n in $_on; do
		it "$_n: $_what" "$_function" "$_n"
	done
}

# fsck finds no error, and all files have the same bytes after a remount
consistent() { # NAME
	daxexer manifest "$MNT/$1" >/tmp/manifest
	umount "$MNT/$1"
	check_fs "$(fstype "$1")" "$(device "$1")"
	mount_dax "$(fstype "$1")" "$(device "$1")" "$MNT/$1"
	daxexer verify /tmp/manifest --only "$MNT/$1"
}

# ends_guest DEFECT: skip a test that would crash or hang the guest with fs-dax in C
ends_guest() {
	if fsdax_is_c; then
		skip "this test crashes or hangs fs-dax in C: $1"
	fi
}

# --- trace events

TRACING=/sys/kernel/tracing
TRACE=/tmp/trace

trace_on() {
	[ -d $TRACING/events/fs_dax ] || skip "no trace events in this kernel"
	echo >$TRACING/trace
	echo 1 >$TRACING/events/fs_dax/enable
}
# trace_off: write the trace since trace_on to $TRACE
trace_off() {
	echo 0 >$TRACING/events/fs_dax/enable
	sed -n 's/.*: \(dax_[a-z_]*:\)/\1/p' $TRACING/trace >$TRACE
	echo "traced: $(cut -d: -f1 $TRACE | sort | uniq -c | tr -s ' \n' ' ')"
	tail -n 4 $TRACE
}
# traced COUNT REGEX: $TRACE has COUNT matching lines; "some": at least one
traced() {
	_count=$(grep -cE "$2" $TRACE || :)
	case "$1" in
	some) [ "$_count" != 0 ] || fail "no line matches $2" ;;
	*) want "lines that match $2" "$_count" "$1" ;;
	esac
}

# counter NAME: print the counter of /proc/vmstat
counter() { awk -v name="$1" '$1 == name { print $2 }' /proc/vmstat; }
