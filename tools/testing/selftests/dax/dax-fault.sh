#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Page faults of 4 KiB and of 2 MiB: when a fault falls back to 4 KiB, holes, and the statistics.
# PAGEMAP_SCAN reads the page tables, because smaps counts no device memory as FilePmdMapped.
# boot: dax
# disks: 256M 256M 128M 128M
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# lanes: ctwin fsdax
# timeout: 90
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 40

NOPAGE='dax_pmd_fault_done:.* shared .*max_pgoff 0x[0-9a-f]+ (MAJOR\|)?NOPAGE(\|MAJOR)?$'
FALLBACK='dax_pmd_fault_done:.* (MAJOR\|)?FALLBACK(\|MAJOR)?$'

huge() { # one fault maps 2 MiB, for reading and then for writing
	session "$1" <<-END
		open f huge new
		falloc f alloc 0 8M
		write f 0 8M 1
		shell echo >$TRACING/trace; echo 1 >$TRACING/events/fs_dax/enable
		map m f 0 8M
		touch m 0 4K
		touch m 2M+12K 4K
		pages m 0 8M huge:1024 none:1024
		dirty m 4M+8K 4K
		pages m 0 8M huge:1536 none:512
		# map the rest
		touch m 0 6M
		dirty m 4M 2M
		shell [ \$(awk '/^Rss/ { n += \$2 } END { print n }' /proc/\$PPID/smaps) -ge 6144 ]
	END
	trace_off
	traced 3 "$NOPAGE"
	traced 3 'dax_pmd_fault:'
	traced 0 dax_pte_fault
	traced 1 'dax_pmd_fault_done:.*shared WRITE'
}

huge_write() { # one fault makes a read-only 2 MiB entry writable
	session "$1" <<-END
		open f hugewrite new
		write f 0 4M 1
		map m f 0 4M
		touch m 0 4M
		pages m 0 4M huge:1024
		shell echo >$TRACING/trace; echo 1 >$TRACING/events/fs_dax/enable
		dirty m 0 4M
		pages m 0 4M huge:1024
	END
	trace_off
	traced 2 "$NOPAGE"
	traced 0 dax_pte_fault
}

# fallback NAME FILE-STEPS MAP-WORDS ACCESS PAGES: a fault that must not be huge
fallback() {
	trace_on
	session "$1" <<-END
		open f fallback new
		$2
		map m f $3
		$4 m $5 4K
		pages m 0 $6
	END
	trace_off
	traced some "$FALLBACK"
	traced some 'dax_pte_fault_done:.*(NOPAGE|DONE_COW|LOCKED|MAJOR)'
	traced 0 "$NOPAGE"
}
colour() { fallback "$1" "write f 0 4M 1" "0 4M shift 4K" touch 2M "4M none:512 page:1 none:511"; }
private_write() { fallback "$1" "write f 0 4M 1" "0 4M private" dirty 2M "4M none:512 anon:1 none:511"; }
end_of_file() { fallback "$1" "write f 0 3M 1" "0 4M" touch 2M+512K "4M none:640 page:1 none:383"; }
start_of_map() { fallback "$1" "write f 0 4M 1" "4K 3M" touch 0 "2M page:1 none:511"; }
end_of_map() { fallback "$1" "write f 0 4M 1" "0 3M" touch 2M "3M none:512 page:1 none:255"; }

scattered() { # blocks that are not contiguous and aligned as a 2 MiB entry needs them
	# the first 2 MiB consist of two extents
	session "$1" <<-END
		open f scattered new
		write f 0 1M 1
		open g other new
		write g 0 1M 2
		write f 1M 3M 1
		falloc f punch 512K 4K
		write f 512K 4K 1
	END
	trace_on
	session "$1" <<-END
		open f scattered
		map m f 0 4M
		load m 0 2M 1
		dirty m 0 4K
	END
	trace_off
	traced some "$FALLBACK"
	traced some 'dax_pte_fault_done:.*NOPAGE'
}

mixed() { # a range with a 4 KiB entry gets no 2 MiB entry
	trace_on
	session "$1" <<-END
		open f mixed new
		write f 0 4M 1
		map s f 0 4M shift 4K
		touch s 4K 4K
		map m f 0 4M
		touch m 64K 4K
		pages m 0 4M none:16 page:1 none:1007
		touch m 2M+64K 4K
		pages m 0 4M none:16 page:1 none:495 huge:512
		dirty m 68K 4K
		load m 72K 100K 1
		unmap s
		unmap m
	END
	trace_off
	traced some "$FALLBACK"
	traced 1 "$NOPAGE"
}

huge_then_page() { # a 4 KiB fault in a 2 MiB entry does not split the entry
	trace_on
	session "$1" <<-END
		open f hugefirst new
		write f 0 2M 1
		map m f 0 2M
		dirty m 0 4K
		pages m 0 2M huge:512
		map s f 0 2M shift 4K
		load s 4K 2044K 1
		pages s 0 2M none:1 page:511
		dirty s 8K 4K
		pages m 0 2M huge:512
		sync f
		load m 12K 2036K 1
	END
	trace_off
	# fsync writes the 2 MiB entry back as a whole
	traced some 'dax_writeback_one:.*pglen 0x200$'
}

hole() { # a read fault of a hole maps zeroes and allocates no block
	trace_on
	session "$1" <<-END
		open f hole new
		truncate f 8M
		map m f 0 8M
		load m 0 8K 0
		load m 2M+64K 64K 0
		pages m 0 8M hugezero:1024 none:1024
		map s f 4M 2M shift 4K
		load s 0 16K 0
		pages s 0 2M zero:4 none:508
		shell [ \$(stat -c %b $MNT/$1/hole) = 0 ]
		map p f 0 2M private
		load p 0 2M 0
	END
	trace_off
	traced some 'dax_pmd_load_hole:.*radix_entry 0x[0-9a-f]+$'
	traced 4 'dax_load_hole:.*NOPAGE'
}

hole_filled() { # a write to a hole replaces the zero page by the block in every mapping
	session "$1" <<-END
		open f filled new
		truncate f 8M
		map m f 0 8M
		map n f 0 8M
		map s f 0 8M shift 4K
		touch m 0 8M
		touch n 0 8M
		pages m 0 8M hugezero:2048
		store m 8K 4K 1
		load n 8K 4K 1
		load n 12K 64K 0
		load m 0 8K 0
		# by write()
		write f 2M+64K 100K 2
		load n 2M+64K 100K 2
		load m 2M+64K 100K 2
		load m 2M 64K 0
		# by stores to a mapping with 4 KiB entries
		touch s 4M 2M
		load s 4M 64K 0
		store s 4M+4K 4K 3
		load m 4M+4K 4K 3
		load n 4M 4K 0
		# a store to one page of a 2 MiB hole
		store n 6M+4K 4K 4
		load m 6M+4K 4K 4
		load s 6M+4K 4K 4
		load s 6M 4K 0
		check f 8K 4K 1
		check f 0 8K 0
		check f 2M+64K 100K 2
		check f 4M+4K 4K 3
		check f 6M+4K 4K 4
		check f 6M+8K 1M 0
	END
}

unwritten() { # unwritten blocks: a reader gets zeroes, and a write fault zeroes the block
	trace_on
	session "$1" <<-END
		open f unwritten new
		falloc f alloc 0 8M
		map m f 0 8M
		load m 0 64K 0
		pages m 0 8M hugezero:512 none:1536
		store m 2M+4K 4K 1
		load m 2M+8K 1M 0
		store m 4K 4K 2
		load m 0 4K 0
		load m 8K 1M 0
		check f 4K 4K 2
		write f 4M+100 50 0
		load m 4M 64K 0
		# a write of 8 bytes leaves zeroes around them
		write f 6M+1000 8 3 @0
		load m 6M 1000 0
		load m 6M+1000 8 3 @0
		load m 6M+1008 64K 0
	END
	trace_off
	traced some 'dax_pmd_load_hole:'
}

beyond() { # a fault behind the end of the file is SIGBUS; the rest of the last page is zeroes
	session "$1" <<-END
		open f beyond new
		write f 0 5000 1
		map m f 0 4M
		load m 0 5000 1
		load m 5000 3192 0
		dies bus touch m 8K 4K
		dies bus dirty m 2M 4K
		truncate f 12K
		load m 8K 4K 0
		dies bus touch m 12K 4K
		truncate f 4M
		load m 5000 1M 0
	END
	trace_on
	session "$1" <<-END
		open f beyond
		truncate f 4K
		map m f 0 4M
		dies bus touch m 8K 4K
	END
	trace_off
	traced some 'dax_p(te|md)_fault_done:.*SIGBUS'
}

major() { # a fault that allocates a block counts as a major fault
	_before=$(counter pgmajfault)
	session "$1" <<-END
		open f major new
		truncate f 64K
		map m f 0 64K
		minor touch m 0 64K
		major dirty m 0 4K
		minor dirty m 0 4K
		write f 16K 4K 1
		minor touch m 16K 4K
		minor dirty m 16K 4K
	END
	[ "$(counter pgmajfault)" -gt "$_before" ] || fail "pgmajfault does not count it"
	trace_on
	session "$1" <<-END
		open f major2 new
		truncate f 64K
		map m f 0 64K
		dirty m 0 12K
	END
	trace_off
	traced 3 'dax_pte_fault_done:.*MAJOR'
}

counted() { # the kernel counts 2 MiB faults that fell back
	_fallbacks=$(counter thp_fault_fallback)
	session "$1" <<-END
		open f counted new
		write f 0 4M 1
		map m f 0 4M shift 4K
		touch m 0 16K
	END
	[ "$(counter thp_fault_fallback)" -gt "$_fallbacks" ] || fail "a fallback is not counted"
}

# a DAX file has no page cache, so cachestat(2) counts nothing
uncached() {
	# with the multi-generational LRU it follows the numbers of nodes whatever cgroups there are
	[ ! -e /sys/kernel/mm/lru_gen/enabled ] || ends_guest "workingset_test_recent() follows a NULL pointer"
	session "$1" <<-END
		open f uncached new
		truncate f 8M
		write f 0 4M 1
		map m f 0 8M
		touch m 0 2M
		dirty m 2M 64K
		touch m 5M 4K
		cachestat f 0 8M
		sync f
		cachestat f 0 0
	END
}

with ext4 xfs stripe
on "ext4 xfs stripe" "a fault maps 2 MiB" huge
on "ext4 xfs stripe" "a fault makes 2 MiB writable" huge_write
on "ext4 xfs" "fallback: address and offset do not match" colour
on "ext4 xfs" "fallback: private and written to" private_write
on "ext4 xfs" "fallback: end of the file" end_of_file
on "ext4 xfs" "fallback: start of the mapping" start_of_map
on "ext4 xfs" "fallback: end of the mapping" end_of_map
on "ext4 xfs" "fallback: blocks are scattered" scattered
on "ext4 xfs" "fallback: a page of it is mapped" mixed
on "ext4 xfs" "pages of what is mapped by 2 MiB" huge_then_page
on "ext4 xfs" "holes read as zero pages, small and huge" hole
on "ext4 xfs stripe" "holes are filled under mappings" hole_filled
on "ext4 xfs" "unwritten extents" unwritten
on "ext4 xfs" "the end of the file" beyond
on "ext4 xfs" "major and minor faults" major
on "ext4 xfs" "statistics of fallbacks" counted
on "ext4 xfs stripe" "in order and complete after a remount" consistent
on "ext4 xfs" "no page of a file is cached or evicted" uncached
finish
