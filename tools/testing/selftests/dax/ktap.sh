# SPDX-License-Identifier: GPL-2.0
# KTAP for shell scripts, on the kernel's ktap_helpers.sh. Every test script sources it.
# shellcheck shell=dash
#
#	. ./ktap.sh
#	plan 2
#	works() { false || fail "reason"; }
#	it "works" works
#	finish
#
# A test is a function that runs in a subshell under "set -e". If it fails, its output is shown as
# diagnostics. It calls "skip REASON" to skip itself. A test that expected-c-failures lists for a component
# that is C in this kernel may fail: that is an XFAIL.
#
# With KTAP_VERBOSE=yes the output of a test that passes is shown, too.
#
# ktap.sh skips the whole script if the machine lacks what its headers ask for (devices.sh).

if [ ! -e ../kselftest/ktap_helpers.sh ]; then
	echo "1..0 # SKIP no ../kselftest/ktap_helpers.sh: run this in tools/testing/selftests/rust-dax of a kernel"
	exit 4
fi
. ../kselftest/ktap_helpers.sh

# skip_all REASON: skip the script, before its first test
skip_all() {
	trap - EXIT
	ktap_print_header
	ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

. ./devices.sh
check_caller
be_private "$@"
. ./stack.sh

SCRIPT_NAME=$(basename "$0" .sh)
KTAP_LOG=/tmp/ktap-log
KTAP_BEGUN=
KTAP_CLEANUP=:
# how many lines of a failed test's output are shown
KTAP_LINES=40

# plan N: the script has N tests. Nothing is printed before the first of them, so that skip_all can still
# skip them all.
plan() { KSFT_NUM_TESTS=$1; }

begin() {
	[ -z "$KTAP_BEGUN" ] || return 0
	KTAP_BEGUN=yes
	ktap_print_header
	ktap_set_plan "$KSFT_NUM_TESTS"
}

skip() { echo "SKIP: $*"; exit "$KSFT_SKIP"; }

# The tests of this script that expected-c-failures lists: lines "NUMBER COMPONENT[<RELEASE] DEFECT"
KTAP_LISTED=$(sed -n "s/^$SCRIPT_NAME //p" expected-c-failures)

# older_than RELEASE: succeed if the running kernel is, by the three numbers of its release
older_than() {
	uname -r | awk -v than="$1" '{
		split($0, now, /[^0-9]+/)
		split(than, fixed, /[^0-9]+/)
		for (i = 1; i < 3 && now[i] == fixed[i]; i++);
		exit now[i] + 0 >= fixed[i] + 0
	}'
}

# expected: print the defect if the test that ran last is listed for a component that is C, in a kernel that
# has the defect
expected() {
	echo "$KTAP_LISTED" | while read -r _number _component _defect; do
		[ "$_number" = "$KTAP_TESTNO" ] || continue
		case $_component in *'<'*) older_than "${_component#*<}" || continue ;; esac
		! is_c "${_component%<*}" || echo "$_defect"
	done
}

# it DESCRIPTION FUNCTION [ARGS...]
it() {
	_name=$1; shift
	begin
	echo "test: $_name" >/dev/kmsg
	(set -e; "$@") >"$KTAP_LOG" 2>&1 </dev/null
	_rc=$?
	_defect=
	[ -z "$KTAP_LISTED" ] || [ $_rc = "$KSFT_SKIP" ] || _defect=$(expected)
	case $_rc,${KTAP_VERBOSE:-} in 0,?*) sed 's/^/# /' "$KTAP_LOG" ;; esac
	set -f # ktap_helpers.sh does not quote what it prints
	case $_rc,$_defect in
	0,) ktap_test_pass "$_name" ;;
	0,*) ktap_test_pass "$_name (listed as failing, but passes)" ;;
	"$KSFT_SKIP",*)
		__ktap_test ok "$_name" "SKIP $(sed -n 's/^SKIP: //p' "$KTAP_LOG")"
		KTAP_CNT_SKIP=$((KTAP_CNT_SKIP + 1))
		;;
	*)
		tail -n $KTAP_LINES "$KTAP_LOG" | sed 's/^/# /'
		[ $_rc = 1 ] || echo "# status $_rc"
		if [ -n "$_defect" ]; then
			__ktap_test ok "$_name" "XFAIL $_defect"
			KTAP_CNT_XFAIL=$((KTAP_CNT_XFAIL + 1))
		else
			ktap_test_fail "$_name"
		fi
		;;
	esac
	set +f
	return 0
}

# at_end FUNCTION: call the function when the script ends, however it ends
at_end() { KTAP_CLEANUP=$1; }

# finish: end the script. A script that ends before it has run its plan has failed.
finish() {
	trap - EXIT
	begin
	($KTAP_CLEANUP; change_back) >"$KTAP_LOG" 2>&1 || {
		sed 's/^/# cleanup: /' "$KTAP_LOG"
		KTAP_CNT_FAIL=$((KTAP_CNT_FAIL + 1))
	}
	ktap_print_totals
	[ $KTAP_CNT_FAIL = 0 ] && [ $((KTAP_TESTNO - 1)) = "$KSFT_NUM_TESTS" ] || exit "$KSFT_FAIL"
	[ $KTAP_CNT_SKIP != "$KSFT_NUM_TESTS" ] || exit "$KSFT_SKIP"
	exit "$KSFT_PASS"
}

stopped() {
	begin
	echo "# stopped after $((KTAP_TESTNO - 1)) of $KSFT_NUM_TESTS tests"
	KTAP_CNT_FAIL=$((KTAP_CNT_FAIL + 1))
	finish
}
trap stopped EXIT
trap 'exit 143' HUP INT TERM

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

# fresh_stack [DISK...]: have empty disks, those of the header "# disks:" if none is named. Load the stack
# first if the machine is the script's. At the end of the script, unmount and unload everything.
fresh_stack() {
	if owns_machine; then
		load_stack
		[ $# != 0 ] || expected_disks
	else
		choose_disks
	fi
	name_disks
	for _d in $DISKS "$@"; do
		owns_machine && ! until_true 3 have_disk "$_d" >/dev/null && blank_namespace "namespace${_d#pmem}.0"
		need_disk "$_d"
		zap "/dev/$_d"
	done
}

clean_stack() {
	sync
	umount_all
	remove_dm
	if ! owns_machine; then
		for _d in $DISKS; do zap "/dev/$_d"; done
		return 0
	fi
	for _d in /dev/pmem*; do
		[ -b "$_d" ] || continue
		case "$_d" in *p[0-9]*p[0-9]*) continue ;; esac
		zap "$_d"
	done
	unload_stack
}
at_end clean_stack

check_machine
