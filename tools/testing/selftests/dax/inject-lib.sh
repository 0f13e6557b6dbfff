# SPDX-License-Identifier: GPL-2.0
# For inject-alloc.sh and inject-driver.sh: make allocations fail, one after the other. inject-sites.sh
# records which failed.
# shellcheck shell=dash
#
#	within core
#	each table
#
# runs "table N" with N = 1, 2, 3... until there is no allocation N. An allocation counts if the named
# component is among its callers, and if the process asks for the failure itself (daxexer failnth, and
# the step "nth" of a session).
#
# Earlier allocations must not change the numbers. So the pages of slabs never fail, and
# "slab_debug=FZA" on the command line switches off the slabs' per-CPU caches, which are allocated too.
# It also finds double frees, and lets a cache be excluded (A): vmalloc() sometimes has a node that it
# allocated in advance. "smp: 1" excludes all other per-CPU state.

DEBUG=/sys/kernel/debug

# The exported functions of a built-in component. All of the component's code lies between the first and
# the last of them, so every allocation has an address of that range among its callers, in Rust and in C.
CORE_ENTRIES='alloc_dax put_dax kill_dax dax_add_host dax_remove_host fs_dax_get_by_bdev fs_put_dax
	fs_dax_get dax_direct_access dax_zero_page_range dax_recovery_write dax_holder_notify_failure'
FSDAX_ENTRIES='dax_iomap_rw dax_iomap_fault dax_finish_sync_fault dax_writeback_mapping_range
	dax_zero_range dax_truncate_page dax_break_layout dax_layout_busy_page_range dax_file_unshare
	dax_remap_file_range_prep dax_dedupe_file_range_compare'

can_inject() {
	[ -d $DEBUG/failslab ] && [ -e /proc/self/fail-nth ] && [ -e /sys/kernel/slab/vmap_area/failslab ]
}

# range_of SYMBOLS: print the range from the first of these built-in functions to the end of the last. A
# file caches the range under the name of the first, because reading all of kallsyms takes seconds.
range_of() {
	_known=/tmp/range-of-${1%%[!a-z0-9_]*}
	[ -s "$_known" ] || awk -v names="$1" '
		BEGIN { n = split(names, name); for (i = 1; i <= n; i++) wanted[name[i]] = 1 }
		$2 ~ /[tT]/ && NF == 3 { at[$1] = 1 }
		$2 ~ /[tT]/ && $3 in wanted {
			if (!first || $1 < first) first = $1
			if ($1 > last) last = $1
		}
		END {
			for (a in at) if (a > last && (!end || a < end)) end = a
			if (last) print "0x" first, "0x" end
		}' /proc/kallsyms >"$_known"
	cat "$_known"
}

# range_of_module NAME: print the range of the pages that its functions are in
range_of_module() {
	awk -v module="[$1]" '
		$2 ~ /[tT]/ && $4 == module {
			if (!first || $1 < first) first = $1
			if ($1 > last) last = $1
		}
		END { if (last) print "0x" first, "0x" substr(last, 1, 13) "fff" }' /proc/kallsyms
}

# within core|fsdax|pmem|e820|init|all: an allocation fails only if this component is among its callers
within() {
	case "$1" in
	core) range_of "$CORE_ENTRIES" ;;
	fsdax) range_of "$FSDAX_ENTRIES" ;;
	pmem | e820) range_of_module "nd_$1" ;;
	init) range_of do_one_initcall ;;
	all) echo "0x0 0xffffffffffffffff" ;;
	esac >/tmp/range
	among require failslab || fail "no code of $1 in this kernel"
	among require fail_page_alloc
	range_of allocate_slab >/tmp/range
	among reject fail_page_alloc || fail "no function allocate_slab in this kernel"
	echo "0x0 0x0" >/tmp/range
	among reject failslab
}

# spare FUNCTION: no allocation of an object fails if the function is among its callers, and no
# allocation of a page fails at all
spare() {
	range_of "$1" >/tmp/range
	among reject failslab || fail "no function $1 in this kernel"
	echo "0x0 0x0" >/tmp/range
	among require fail_page_alloc
}

# among require|reject failslab|fail_page_alloc: require or reject callers in the range of /tmp/range
among() {
	read -r _first _end </tmp/range || return 1
	echo "$_first" >"$DEBUG/$2/$1-start"
	echo "$_end" >"$DEBUG/$2/$1-end"
}

# arm: let every kind of allocation fail, silently, once a process asks for it
arm() {
	for _f in failslab fail_page_alloc; do
		echo 0 >$DEBUG/$_f/probability
		echo 0 >$DEBUG/$_f/verbose
		echo 32 >$DEBUG/$_f/stacktrace-depth
		echo N >$DEBUG/$_f/ignore-gfp-wait
		echo Y >$DEBUG/$_f/task-filter
	done
	echo N >$DEBUG/fail_page_alloc/ignore-gfp-highmem
	echo 0 >$DEBUG/fail_page_alloc/min-order
	echo 0 >/sys/kernel/slab/vmap_area/failslab
	echo Y >$DEBUG/failslab/cache-filter
	within all
}

# each FUNCTION [ARGS...]: call the function with 1, 2, 3... appended to the arguments, until it prints
# that there is no such allocation. Set FAILED to the number of allocations.
each() {
	_nth=1
	while :; do
		("$@" $_nth) >/tmp/each 2>&1 || {
			cat /tmp/each
			fail "$* after the failure of allocation $_nth"
		}
		grep '^allocation' /tmp/each
		grep -q "^allocation $_nth: " /tmp/each || { cat /tmp/each; fail "$*: the function made no allocation fail"; }
		if ! grep "^allocation $_nth: " /tmp/each | grep -qv "not there"; then break; fi
		_nth=$((_nth + 1))
		[ $_nth -le 500 ] || fail "$*: more than 500 allocations"
	done
	FAILED=$((_nth - 1))
	echo "$*: $FAILED allocations" | tee /dev/kmsg
}

# without N COMMAND...: run the command while its allocation N fails; the status is the command's
without() { daxexer failnth "$@"; }

# some: there must have been at least one allocation
some() { [ "$FAILED" != 0 ] || fail "there was no allocation"; }

# steps FSTYPE: run the session in standard input once for each allocation that fails at NTH
steps() {
	cat >/tmp/steps
	each step "$1"
}
step() { # FSTYPE N
	sed "s/\\<NTH\\>/nth $2 ENOMEM/" /tmp/steps | session "$1"
}

# starving FSTYPE: run the same steps, but the first two, three and four allocations at NTH fail, so that
# a retry after a failed allocation fails too
starving() {
	for _t in 2 3 4; do
		echo $_t >$DEBUG/failslab/times
		echo 100 >$DEBUG/failslab/probability
		step "$1" 0
		echo 0 >$DEBUG/failslab/probability
		echo "of $_t to fail, $(cat $DEBUG/failslab/times) are left"
	done
}
