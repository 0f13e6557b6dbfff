# SPDX-License-Identifier: GPL-2.0
# For dax-stress.sh and dax-stress4.sh, which run two threads for each CPU.
# shellcheck shell=dash

OPS=1500
HUNG_TASKS=/proc/sys/kernel/hung_task_timeout_secs
THREADS=$((2 * $(nproc)))

start() { # FSTYPE
	mkfs_dax "$1"
	mount_dax "$1" "$(device "$1")" "$MNT/$1"
	[ ! -e $HUNG_TASKS ] || change $HUNG_TASKS 100
}

# If the kernel keeps a thread for ever, daxexer cannot exit either: so end the test on
# its "no progress".
stress() { # FSTYPE SEED [OPTIONS]
	ends_guest "a page that is mapped again while a truncation waits for it is waited for until it is unmapped"
	_fs=$1 _seed=$2
	shift 2
	daxexer stress "$MNT/$_fs/stress" /dev/$DISK2 --threads "$THREADS" --ops $OPS --seed "$_seed" \
		--patience $((100 * PATIENCE)) "$@" >/tmp/said 2>&1 &
	_pid=$!
	until [ -s /tmp/said ] || ! kill -0 $_pid 2>/dev/null; do usleep 200000; done
	cat /tmp/said
	if grep -q 'no progress' /tmp/said; then return 1; fi
	wait $_pid
}

# run the threads; the trace must show that faults mapped 2 MiB and that the threads met
met() { # FSTYPE SEED [OPTIONS]
	trace_on
	stress "$@"
	trace_off
	traced some 'dax_pmd_fault_done.* NOPAGE'
	traced some 'dax_pte_fault_done.* NOPAGE'
	traced some dax_writeback_one
}

# have KCSAN sample more accesses than in other tests, because threads race here
watch_closely() {
	_skip_watch=/sys/module/kcsan/parameters/skip_watch
	[ ! -f $_skip_watch ] || echo 20 >$_skip_watch
}

stress_all() {
	plan 7
	watch_closely
	fresh_stack
	for _n in ext4 xfs; do
		it "$_n: mkfs and mount -o dax=always" start $_n
		it "$_n: threads on one file" met $_n 1
		if [ $_n = xfs ]; then
			it "$_n: threads on one file that shares its blocks now and then" stress $_n 2 --reflink 1
		fi
		it "$_n: in order and complete after a remount" consistent $_n
	done
	finish
}
