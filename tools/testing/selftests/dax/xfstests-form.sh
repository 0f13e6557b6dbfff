#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# xfstests.sh with a stand-in for xfstests, of the same form: one test passes, one is not run, one fails.
# With "-g early" its program check ends early.
# tier: full
# root: yes
# boot: xfstests-form
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# qemu: -virtfs local,path=@DIR@,mount_tag=results,security_model=none
# timeout: 120
# shellcheck shell=dash
. ./ktap.sh
. ./debian.sh
. ./xfstests-lib.sh

plan 8

gone() { umount_debian; clean_stack; }
at_end gone

standin() {
	mkdir -p $DEBIAN/root/standin/tests/generic
	cat >$DEBIAN/root/standin/check <<-'END'
		#!/bin/bash
		export here=$PWD
		. "$HOST_OPTIONS"
		mount -t $FSTYP $TEST_FS_MOUNT_OPTS $TEST_DEV $TEST_DIR || exit 1
		[ "$*" != "-g early" ] || exit 1
		for seq in generic/001 generic/002 generic/003; do
			printf '%s\t' $seq
			yes | mkfs.$FSTYP $MKFS_OPTIONS $SCRATCH_DEV &>/dev/null
			mount -t $FSTYP $MOUNT_OPTIONS $SCRATCH_DEV $SCRATCH_MNT || exit 1
			ran+=" $seq"
			out=$(bash tests/$seq 2>&1)
			case $?,$out in
			0,*) echo ' 1s' ;;
			77,*) echo " [not run] $out"; notrun+=" $seq" ;;
			*) echo ' - output mismatch (see '$RESULT_BASE/$seq.out.bad')'; echo "    +$out"; bad+=" $seq" ;;
			esac
			umount $SCRATCH_DEV
		done
		echo "Ran:$ran"
		[ -z "$notrun" ] || echo "Not run:$notrun"
		[ -z "$bad" ] || { echo "Failures:$bad"; echo "Failed 1 of 3 tests"; exit 1; }
		echo "Passed all 3 tests"
	END
	chmod +x $DEBIAN/root/standin/check
	cd $DEBIAN/root/standin/tests/generic
	echo '[ $(grep -c "^/dev/pmem[01] /mnt/[a-z]* $FSTYP .*dax=always" /proc/mounts) = 2 ] && su fsgqa -c true' >./001
	echo 'echo this device has no tape; exit 77' >./002
	echo 'touch $here/written && echo 7 bytes of 8; exit 1' >./003
}

run() { # FSTYPE
	xfstests "$1" /standin -g quick
	want "points" "$(points "$1" | tr '\n' ';')" \
		"skip $1 generic/002;fail $1 generic/003;pass $1 generic/001;"
}

reasons() { # FSTYPE
	(outcome skip "$1" generic/002) >/tmp/said || :
	grep -x 'SKIP: this device has no tape' /tmp/said
	(outcome fail "$1" generic/003) >/tmp/said || :
	grep '7 bytes of 8' /tmp/said
	refused grep generic/002 /tmp/said
}

kept() { # FSTYPE: the results are on the host, and only there
	grep -q 'Ran: generic/001' "/$RESULTS/$1.log"
	[ -e $DEBIAN/root/standin/written ]
	none_of $DEBIAN/host/standin
}

early() { # FSTYPE
	xfstests "$1" /standin -g early
	want "points" "$(points "$1")" "fail $1 summary"
}

fresh_stack pmem0 pmem1
mount_debian
share_results
add_users
(standin)
for fs in ext4 xfs; do
	it "$fs: tests that pass, fail and are not run" run $fs
	it "$fs: what is said about them" reasons $fs
	it "$fs: the log is kept" kept $fs
	it "$fs: an early end is a failure" early $fs
done
finish
