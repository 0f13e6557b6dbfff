# SPDX-License-Identifier: GPL-2.0
# KTAP for shell scripts. Every test script sources it.
# shellcheck shell=dash
#
#	. ./ktap.sh
#	plan 2
#	works() { false || fail "reason"; }
#	it "works" works
#	finish
#
# A test is a function that runs in a subshell under "set -e". If it fails, its
# output is shown as diagnostics. It calls "skip REASON" to skip itself.

. ./stack.sh

KTAP_LOG=$(mktemp)
KTAP_DONE=0
KTAP_PASSED=0
KTAP_FAILED=0
KTAP_SKIPPED=0
KTAP_CLEANUP=:
# how many lines of a failed test's output are shown
KTAP_LINES=40

plan() {
	KTAP_PLAN=$1
	echo "KTAP version 1"
	echo "1..$1"
}

skip() { echo "SKIP: $*"; exit 4; }

# it DESCRIPTION FUNCTION [ARGS...]
it() {
	_name=$1; shift
	KTAP_DONE=$((KTAP_DONE + 1))
	echo "test: $_name" >/dev/kmsg
	(set -e; "$@") >"$KTAP_LOG" 2>&1 </dev/null
	_rc=$?
	case $_rc in
	0)	KTAP_PASSED=$((KTAP_PASSED + 1))
		echo "ok $KTAP_DONE $_name" ;;
	4)	KTAP_SKIPPED=$((KTAP_SKIPPED + 1))
		echo "ok $KTAP_DONE $_name # SKIP $(sed -n 's/^SKIP: //p' "$KTAP_LOG")" ;;
	*)	KTAP_FAILED=$((KTAP_FAILED + 1))
		tail -n $KTAP_LINES "$KTAP_LOG" | sed 's/^/# /'
		[ $_rc = 1 ] || echo "# status $_rc"
		echo "not ok $KTAP_DONE $_name" ;;
	esac
	return 0
}

# at_end FUNCTION: call the function when the script ends, however it ends
at_end() { KTAP_CLEANUP=$1; }

# finish: end the script. A script that ends before it has run its plan has failed.
finish() {
	trap - EXIT
	($KTAP_CLEANUP) >"$KTAP_LOG" 2>&1 || {
		sed 's/^/# cleanup: /' "$KTAP_LOG"
		KTAP_FAILED=$((KTAP_FAILED + 1))
	}
	rm -f "$KTAP_LOG"
	echo "# Totals: pass:$KTAP_PASSED fail:$KTAP_FAILED xfail:0 xpass:0 skip:$KTAP_SKIPPED error:0"
	if [ $KTAP_FAILED != 0 ] || [ $KTAP_DONE != "$KTAP_PLAN" ]; then exit 1; fi
	[ $KTAP_SKIPPED = "$KTAP_PLAN" ] && exit 4
	exit 0
}

stopped() {
	echo "# stopped after $KTAP_DONE of $KTAP_PLAN tests"
	KTAP_FAILED=$((KTAP_FAILED + 1))
	finish
}
trap stopped EXIT

# Data of an earlier test in a namespace may keep the driver from making a disk.
blank_namespace() {
	ndctl disable-namespace "$1" >/dev/null 2>&1
	echo 1 >"/sys/bus/nd/devices/$1/force_raw"
	bind "$1"
	need_disk "$_d"
	zap "/dev/$_d"
	unbind "$1"
	echo 0 >"/sys/bus/nd/devices/$1/force_raw"
	bind "$1"
}

# fresh_stack DISK...: load the stack with empty devices. At the end of the script,
# unmount and unload everything.
fresh_stack() {
	load_stack
	for _d in "$@"; do
		until_true 3 have_disk "$_d" >/dev/null || blank_namespace "namespace${_d#pmem}.0"
		need_disk "$_d"
		zap "/dev/$_d"
	done
}

clean_stack() {
	sync
	umount_all
	dmsetup remove_all -f >/dev/null 2>&1
	for _d in /dev/pmem*; do
		[ -b "$_d" ] || continue
		case "$_d" in *p[0-9]*p[0-9]*) continue ;; esac
		zap "$_d"
	done
	unload_stack
}
at_end clean_stack
