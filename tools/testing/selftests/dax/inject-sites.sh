# SPDX-License-Identifier: GPL-2.0
# Record which allocations have failed, and compare them with the list "inject-sites".
# shellcheck shell=dash
#
#	record
#	... ; note
#	every_site fs_dax dax_core

TRACING=/sys/kernel/tracing

# A failed allocation of a slab object has a trace event; one of a page needs a kprobe.
record() {
	[ -e $TRACING/kprobe_events ] || return 0
	rm -f /tmp/sites
	echo >$TRACING/trace
	echo 1 >$TRACING/options/sym-offset
	# shellcheck disable=SC2016 # not the shell's
	echo 'r:inject/page should_fail_alloc_page ret=$retval:u8' >>$TRACING/kprobe_events
	record_event kmem/kmalloc 'ptr == 0'
	record_event kmem/kmem_cache_alloc 'ptr == 0'
	record_event inject/page 'ret != 0'
}

record_event() { # EVENT CONDITION
	echo "$2" >"$TRACING/events/$1/filter"
	echo "stacktrace if $2" >"$TRACING/events/$1/trigger"
	echo 1 >"$TRACING/events/$1/enable"
}

record_off() {
	[ -d $TRACING/events/inject ] || return 0
	for _e in kmem/kmalloc kmem/kmem_cache_alloc inject/page; do
		echo 0 >$TRACING/events/$_e/enable
		echo '!stacktrace' >$TRACING/events/$_e/trigger
		echo 0 >$TRACING/events/$_e/filter
	done
	echo '-:inject/page' >>$TRACING/kprobe_events
	echo 0 >$TRACING/options/sym-offset
}

# note [COMPONENT]: append the allocations that failed since the last call to /tmp/sites. Fields of a line:
# component, the allocating function that it called, the address of the call. Call it before the module
# is unloaded. The kernel frees a module's init code even earlier: COMPONENT names the module then.
note() {
	[ -d $TRACING/events/inject ] || return 0
	if grep -v ': 0$' $TRACING/per_cpu/cpu*/stats | grep overrun; then fail "not all was recorded"; fi
	awk -v initialised="$1" -v core="$CORE_ENTRIES" -v fsdax="$FSDAX_ENTRIES" '
		BEGIN {
			n = split(core, name)
			for (i = 1; i <= n; i++) entry[name[i]] = "dax_core"
			n = split(fsdax, name)
			for (i = 1; i <= n; i++) entry[name[i]] = "fs_dax"
		}
		function component_of(symbol, module) {
			if (module ~ /nd_(pmem|e820)/) return substr(module, 2, length(module) - 2)
			if (symbol in entry) return entry[symbol]
			if (symbol ~ /^_R.*8dax_core/) return "dax_core"
			if (symbol ~ /^_R.*6fs_dax/) return "fs_dax"
		}
		function tell() {
			# not those of filesystems that find blocks, nor optional ones of the memory management
			if (component && callee !~ /^(iomap_iter|unmap_mapping_pages)$/) print component, callee, place
			component = place = last = before = ""
		}
		/<stack trace>/ { tell() }
		/^ *=>/ {
			symbol = $2
			sub(/\+0x.*/, "", symbol)
			# with checkers, the compiler does not inline this into the caller
			if (symbol ~ /^_R.*6kernel5alloc4kvec/) next
			found = initialised ? "" : component_of(symbol, $3)
			if (!place && (found || (symbol ~ /^_R.*10kernel_ext/ && !initialised))) {
				place = $2
				callee = last
			}
			if (!component) component = found
			if (initialised && symbol == "do_one_initcall") {
				component = initialised
				callee = before
				place = "init"
			}
			before = last
			last = symbol
		}
		END { tell() }' $TRACING/trace >>/tmp/sites
	echo >$TRACING/trace
}

# every_site COMPONENT...: the places that failed are as many as inject-sites lists, for each component
# that is Rust; the list has no others.
every_site() {
	[ -s /tmp/sites ] || skip "nothing can be recorded in this kernel"
	for _c; do
		if grep -q " _R.*[0-9]$_c" /proc/kallsyms; then echo "$_c"; fi
	done >/tmp/components
	[ -s /tmp/components ] || skip "these components are C: inject-sites does not list their allocations"
	sed 's/#.*//' inject-sites | awk 'NF { print $1, $2, $3 }' | of_components | sort >/tmp/listed
	sort -u /tmp/sites | awk '{ n[$1 " " $2]++ } END { for (k in n) print k, n[k] }' | of_components | sort >/tmp/seen
	sort -u /tmp/sites
	diff /tmp/listed /tmp/seen || fail "- is listed, + was seen to fail"
}
of_components() { awk 'BEGIN { while ((getline c <"/tmp/components") > 0) is[c] = 1 } $1 in is'; }
