# SPDX-License-Identifier: GPL-2.0
# What the dax-*.sh scripts share: filesystems made for 2 MiB faults, on a pmem
# device or on a stripe of two, steps in one process, and the trace events.
# shellcheck shell=dash
#
#	. ./ktap.sh
#	. ./dax.sh
#	with ext4 xfs stripe
#	it ... ; session ext4 <<-END ... END
#
# The regions are four: pmem0 for ext4, pmem1 for xfs, pmem2 and pmem3 for the
# stripe, which has xfs on it.

export DM_DISABLE_UDEV=1
# device NAME: where the filesystem of that name is
device() {
	case "$1" in
	ext4) echo /dev/pmem0 ;;
	xfs) echo /dev/pmem1 ;;
	stripe) echo /dev/mapper/stripe ;;
	esac
}
fstype() { [ "$1" = ext4 ] && echo ext4 || echo xfs; }

make_stripe() { # chunks of 2 MiB
	_s=$(($(cat /sys/block/pmem2/size) / 4096 * 4096))
	echo "0 $((_s * 2)) striped 2 4096 /dev/pmem2 0 /dev/pmem3 0" | dmsetup create stripe
	[ -b /dev/mapper/stripe ] || dmsetup mknodes
}

# the blocks that a 2 MiB fault needs are next to each other and at the right place
mkfs_dax() { # NAME
	case "$1" in
	ext4) mkfs.ext4 -q -F -b 4096 -E stride=512,stripe_width=512 /dev/pmem0 ;;
	xfs) MKFS_XFS_OPTS="-d su=2m,sw=1" mkfs_on xfs /dev/pmem1 ;;
	stripe) MKFS_XFS_OPTS="-d su=2m,sw=2" mkfs_on xfs /dev/mapper/stripe ;;
	esac
}

# with NAME...: the stack is loaded, and these filesystems are mounted at /mnt/NAME
with() {
	load dm-mod 2>/dev/null
	fresh_stack pmem0 pmem1 pmem2 pmem3
	for _n in "$@"; do
		[ "$_n" = stripe ] && make_stripe
		mkfs_dax "$_n" && mount_dax "$(fstype "$_n")" "$(device "$_n")" "$MNT/$_n" || {
			echo "# $_n cannot be made"
			exit 1
		}
	done
}

# session NAME: steps from standard input
session() { daxexer session "$MNT/$1"; }

# on "ext4 xfs" DESCRIPTION FUNCTION: one test for each, the name is the first argument
on() {
	_on=$1 _what=$2 _function=$3
	for _n in $_on; do
		it "$_n: $_what" "$_function" "$_n"
	done
}

# the filesystem is in order, and everything is there after a remount
consistent() { # NAME
	daxexer manifest "$MNT/$1" >/tmp/manifest
	umount "$MNT/$1"
	check_fs "$(fstype "$1")" "$(device "$1")"
	mount_dax "$(fstype "$1")" "$(device "$1")" "$MNT/$1"
	daxexer verify /tmp/manifest --only "$MNT/$1"
}

# ends_guest DEFECT: a test that only Rust survives
ends_guest() {
	if fsdax_is_c; then
		skip "fs-dax is C, in which this ends the guest: $1"
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
# what was traced since trace_on is in $TRACE
trace_off() {
	echo 0 >$TRACING/events/fs_dax/enable
	sed -n 's/.*: \(dax_[a-z_]*:\)/\1/p' $TRACING/trace >$TRACE
	echo "traced: $(cut -d: -f1 $TRACE | sort | uniq -c | tr -s ' \n' ' ')"
	tail -n 4 $TRACE
}
# traced COUNT REGEX: so many lines; "some" is any number but none
traced() {
	_count=$(grep -cE "$2" $TRACE || :)
	case "$1" in
	some) [ "$_count" != 0 ] || fail "no line matches $2" ;;
	*) want "lines that match $2" "$_count" "$1" ;;
	esac
}

# counter NAME: of /proc/vmstat
counter() { awk -v name="$1" '$1 == name { print $2 }' /proc/vmstat; }
