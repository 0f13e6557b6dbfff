#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Run the caller's xfstests on ext4 and xfs with -o dax=always: XFSTESTS=/path is a built checkout,
# XFSTESTS_ARGS has the arguments of its program check.
# needs: XFSTESTS
# tier: full
# root: yes
# qemu: -virtfs local,path=@DIR@,mount_tag=results,security_model=none
# timeout: 14400
# shellcheck shell=dash
. ./ktap.sh
. ./debian.sh
. ./xfstests-lib.sh

gone() { umount_debian; clean_stack; }
at_end gone

arguments=$(sed -n 's/.*xfstests.args="\([^"]*\)".*/\1/p' /proc/cmdline)
fresh_stack pmem0 pmem1
mount_debian
absent() { skip "set XFSTESTS=/path to a built checkout of xfstests"; }
[ -x $DEBIAN/root/build/check ] || {
	plan 1
	it "xfstests" absent
	finish
}
share_results
add_users
for fs in ext4 xfs; do
	# shellcheck disable=SC2086 # words
	xfstests $fs /build $arguments
done
report ext4 xfs
finish
