# SPDX-License-Identifier: GPL-2.0
# For fuzz-*.sh: run random programs of daxfuzz on a filesystem. daxfuzz prints a program that fails, its
# seed, and a shrunk program that still fails.
#
# Words of the kernel's command line: fuzz.seed=N the first seed, fuzz.ops=N operations of each
# program, fuzz.count=N programs.
# shellcheck shell=dash

# word NAME DEFAULT: print the value of NAME=value on the kernel's command line
word() {
	_value=$(tr ' ' '\n' </proc/cmdline | sed -n "s/^$1=//p" | tail -n 1)
	echo "${_value:-$2}"
}

DIR=$MNT/fuzz
# show failed programs in full
KTAP_LINES=3000

start() { # FSTYPE
	# one allocation group: with several, xfs waits for ever when its device is removed (deviations.rst)
	case "$1" in
	ext4) mkfs.ext4 -q -F -b 4096 -E stride=512,stripe_width=512 /dev/$DISK0 ;;
	xfs) MKFS_XFS_OPTS="-d su=2m,sw=1,agcount=1" mkfs_on xfs /dev/$DISK0 ;;
	esac
	mount_dax "$1" /dev/$DISK0 "$DIR"
}

# fuzz FSTYPE SEED COUNT OPS [OPTIONS]: run COUNT programs with consecutive seeds. If the kernel keeps a
# thread of a program for ever, daxfuzz cannot exit either: so end the test on its "no progress".
fuzz() {
	_fs=$1 _seed=$2 _count=$3 _ops=$4
	shift 4
	owns_machine || set -- --unbind 0 "$@"
	daxfuzz run --fs "$_fs" --dir "$DIR" --disk $DISK0 --seed "$_seed" --count "$_count" \
		--ops "$_ops" --patience $((100 * PATIENCE)) "$@" >/tmp/said 2>&1 &
	_pid=$!
	while kill -0 $_pid 2>/dev/null; do
		if grep -q 'no progress' /tmp/said; then break; fi
		usleep 200000
	done
	cat /tmp/said
	if grep -q 'no progress' /tmp/said; then return 1; fi
	wait $_pid
}

in_order() { # FSTYPE
	umount "$DIR"
	check_fs "$1" /dev/$DISK0
}

# skip all tests if fs-dax is C: daxfuzz finds its known defects at once
no_fuzz_of_c() {
	fsdax_is_c || return 0
	while [ $KTAP_TESTNO -le "$KSFT_NUM_TESTS" ]; do it "random programs" skip "fs-dax is C"; done
	finish
}

fuzz_on() { # FSTYPE COUNT OPS
	it "$1: mkfs and mount -o dax=always" start "$1"
	it "$1: random programs of several threads" fuzz "$1" "$(word fuzz.seed 1)" \
		"$(word fuzz.count "$2")" "$(word fuzz.ops "$3")"
	it "$1: the filesystem is in order" in_order "$1"
}
