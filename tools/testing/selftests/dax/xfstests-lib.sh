# SPDX-License-Identifier: GPL-2.0
# xfstests on two DAX devices: /dev/pmem0 is the test device, /dev/pmem1 the scratch device.
# shellcheck shell=dash
#
#	. ./ktap.sh
#	. ./debian.sh
#	. ./xfstests-lib.sh
#	xfstests ext4 /build -g quick
#	points ext4
#
# xfstests runs in the Debian root, which has its programs and libraries. Its writes, also to its own
# directory, are lost when the guest ends. Its results stay: they go to a directory of the host.

RESULTS=$DEBIAN/root/results

# share_results: mount the scratch directory of the run (@DIR@) at /results of the root
share_results() {
	mkdir -p "$RESULTS"
	mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 results "$RESULTS"
}

# add_users: make the users that some tests switch to
add_users() {
	for _u in fsgqa fsgqa2 123456-fsgqa; do
		chroot $DEBIAN/root useradd -m --badname "$_u" 2>/dev/null || return
	done
}

# xfstests FSTYPE DIR ARGUMENT...: run the checkout in DIR of the root, and show its output
xfstests() {
	_fs=$1 _dir=$2
	shift 2
	mkdir -p $MNT/test $MNT/scratch "$RESULTS/$_fs"
	mkfs_on "$_fs" /dev/pmem0
	# xfstests reads this file instead of the checkout's local.config
	cat >"$RESULTS/$_fs.config" <<-END
		export FSTYP=$_fs RESULT_BASE=/results/$_fs
		export TEST_DEV=/dev/pmem0 TEST_DIR=$MNT/test
		export SCRATCH_DEV=/dev/pmem1 SCRATCH_MNT=$MNT/scratch
		export MOUNT_OPTIONS="-o dax=always" TEST_FS_MOUNT_OPTS="-o dax=always"
	END
	case $_fs in
	# mkfs.ext4 would choose smaller blocks for a small device
	ext4) echo "export MKFS_OPTIONS='-b 4096'" ;;
	xfs) echo "export MKFS_OPTIONS='-f -m $XFS_META'" ;;
	esac >>"$RESULTS/$_fs.config"
	chroot $DEBIAN/root /usr/bin/env -C "$_dir" -i HOME=/root LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		"HOST_OPTIONS=/results/$_fs.config" ./check "$@" 2>&1 </dev/null |
		tee "$RESULTS/$_fs.log" | awk '{ print "#", $0; fflush() }'
	umount /dev/pmem0 2>/dev/null || :
	umount /dev/pmem1 2>/dev/null || :
}

# named FSTYPE KEY: print the tests that the summary lists after "KEY:", one a line
named() {
	sed -n "s/^$2: *//p" "$RESULTS/$1.log" | tail -n 1 | tr -s ' \t' '\n\n' | sort -u
}

# points FSTYPE: print a line "RESULT FSTYPE TEST" for each test; without a summary, xfstests ended early
points() {
	{
		named "$1" 'Not run' | sed 's/^/skip /'
		named "$1" Failures | sed 's/^/fail /'
		named "$1" Ran | sed 's/^/pass /'
		grep -qE '^(Passed all|Failed) [0-9]' "$RESULTS/$1.log" || echo 'fail summary'
	} | awk -v fs="$1" 'NF == 2 && !seen[$2]++ { print $1, fs, $2 }'
}

# outcome RESULT FSTYPE TEST: the test point, with the output of xfstests about it
outcome() {
	_said=$(awk -v test="$3" '
		/^[a-z0-9]+\/[0-9]+[ \t]/ { on = $1 == test }
		/^Ran:/ { on = 0 }
		on' "$RESULTS/$2.log")
	case $1 in
	skip) skip "$(printf '%s\n' "$_said" | sed -n 's/.*\[not run\] *//p' | head -n 1)" ;;
	fail) [ "$3" != summary ] || _said=$(tail -n 20 "$RESULTS/$2.log")
		printf '%s\n' "$_said"
		fail "see scratch/$2 and scratch/$2.log in the directory of this run" ;;
	esac
}

# report FSTYPE...: print the whole KTAP document
report() {
	for _fs; do points "$_fs"; done >/tmp/points
	plan "$(grep -c . /tmp/points)"
	while read -r _result _fs _test; do
		it "$_fs: $_test" outcome "$_result" "$_fs" "$_test"
	done </tmp/points
}
