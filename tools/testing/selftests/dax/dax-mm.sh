#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What memory management says of mappings of DAX files. Documentation/mm-callers.rst has a table.
# boot: dax-mm
# disks: 256M 256M
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M numa=fake=2
# mem: 2G
# lanes: ctwin
# timeout: 90
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 30

resident() { # mincore counts the pages that are in the page tables, and no others: DAX has no page cache
	session "$1" <<-END
		open f resident new
		write f 0 4M 1
		map m f 0 4M
		resident m 0 4M 0
		touch m 0 4K
		resident m 0 2M 512
		advise m 2M 2M nohugepage
		touch m 2M 8K
		resident m 2M 2M 2
		advise m 2M 2M dontneed
		resident m 2M 2M 0
		map p f 0 4M private
		dirty p 2M 12K
		resident p 2M 2M 3
	END
}

counted() { # smaps and smaps_rollup
	not_dirty_before
	session "$1" <<-END
		open f counted new
		write f 0 4M 1
		sync f
		map m f 0 4M
		smaps m Rss 0
		touch m 0 4M
		pages m 0 4M huge:1024
		smaps m Rss 4096
		smaps m Pss 4096
		smaps m Private_Clean 4096
		smaps m FilePmdMapped 0
		smaps m Anonymous 0
		smaps m Locked 0
		rollup Rss 4096
		dirty m 0 4K
		smaps m Private_Dirty 2048
		child touch m 0 4M
		smaps m Pss 4096
		map n f 0 4M
		touch n 0 4M
		smaps m Pss 2048
		smaps m Shared_Dirty 2048
		unmap n
		map p f 0 4M private
		touch p 0 2M
		dirty p 0 64K
		# the first copy has taken 2 MiB apart, and the other pages are not mapped any more
		smaps p Rss 64
		smaps p Anonymous 64
		smaps p Private_Dirty 64
	END
}

# not_dirty_before: mm does not forget that memory was unmapped dirty, until its driver is bound again
not_dirty_before() {
	[ "${DAX_RELOAD:-}" = yes ] || skip "other tests have used this memory; needs DAX_RELOAD=yes"
}

written_back() { # after a sync nothing is dirty
	not_dirty_before
	session "$1" <<-END
		open f clean new
		write f 0 4M 1
		map m f 0 4M
		map n f 2M 2M shift 4K
		dirty m 0 4K
		dirty n 0 8K
		smaps m Private_Dirty 2048
		smaps n Private_Dirty 8
		sync f
		smaps m Rss 2048
		smaps n Rss 8
		smaps m Private_Dirty 0
		smaps n Private_Dirty 0
	END
}

still_dirty() { # after a sync, memory that was ever unmapped dirty counts as dirty: mm does not forget that
	not_dirty_before
	session "$1" <<-END
		open f dirty new
		write f 0 4M 1
		map n f 0 4M shift 4K
		dirty n 0 8K
		unmap n
		sync f
		map n f 0 4M shift 4K
		touch n 0 64K
		smaps n Private_Dirty 8
		sync f
		smaps n Private_Dirty 8
		smaps n Private_Clean 56
	END
}

paged() { # pagemap
	session "$1" <<-END
		open f paged new
		truncate f 8M
		write f 0 4M 1
		map m f 0 6M
		map p f 0 6M private
		pagemap m 0
		touch m 0 4K
		pagemap m 4K present file exclusive
		touch p 0 4K
		pagemap m 4K present file
		pagemap p 4K present file
		dirty p 4K 4K
		pagemap p 4K present exclusive
		pagemap m 4K present file exclusive
		# zeroes of a hole: mm says of 2 MiB that they are the file's
		map n f 0 8M shift 4K
		touch n 6M 4K
		pagemap n 6M present
		touch m 4M 4K
		pagemap m 4M present file
		dirty m 4M 4K
		pagemap m 4M present file exclusive
	END
}

referenced() { # clear_refs
	session "$1" <<-END
		open f referenced new
		write f 0 4M 1
		map m f 0 4M
		map n f 2M 2M shift 4K
		touch m 0 2M
		touch n 0 64K
		smaps m Referenced 2048
		smaps n Referenced 64
		shell echo 1 >/proc/\$PPID/clear_refs
		smaps m Referenced 0
		smaps m Rss 2048
		smaps n Referenced 0
		smaps n Rss 64
	END
}

two_nodes() { [ -e /sys/devices/system/node/node1 ] || skip "this machine has one memory node"; }

moved_node() { # move_pages refuses the mapping, private copies included
	two_nodes
	session "$1" <<-END
		open f node new
		truncate f 6M
		write f 0 4M 1
		map m f 0 6M
		map n f 0 6M shift 4K
		map p f 0 4M private
		touch m 0 2M
		touch n 2M 64K
		migrate m 0 0 EFAULT
		migrate m 4K 1 EFAULT
		migrate n 2M 0 EFAULT
		touch m 4M 4K
		migrate m 4M 0 EFAULT
		dirty p 2M 4K
		migrate p 2M 1 EFAULT
		migrate p 2M 0 EFAULT
		load m 0 2M 1
		load p 0 2M 1
	END
}

bound() { # a policy moves no page of the file, and numa_maps counts none
	two_nodes
	session "$1" <<-END
		open f bound new
		write f 0 4M 1
		map m f 0 4M
		map n f 0 4M shift 4K
		touch m 0 4K
		touch n 2M 64K
		numa m 0
		numa n 0
		bind n 0 4M 0
		bind n 0 4M 1
		load m 0 4M 1
	END
}

bound_huge() { # for 2 MiB on another node the call says that it could not
	two_nodes
	session "$1" <<-END
		open f bound new
		write f 0 4M 1
		map m f 0 4M
		touch m 0 4K
		fails EIO bind m 0 2M 0
		load m 0 4M 1
	END
}

dumped() { # bits 7 and 8 of the filter: private and shared mappings of DAX files
	change /proc/sys/kernel/core_pattern /tmp/core
	session "$1" <<-END
		open f dump new
		write f 0 256K 1
		map s f 0 256K
		core s 8K 1 0x33 out
		core s 8K 1 0x7f out
		core s 8K 1 0x100 in
		unmap s
		map p f 0 256K private
		store p 16K 4K 2
		core p 8K 1 0x7f out
		core p 8K 1 0x80 in
		core p 16K 2 0x80 in
		core p 16K 2 0x100 out
		advise p 0 64K dontdump
		core p 16K 2 0x1ff out
	END
	change /proc/sys/kernel/core_pattern $MNT/$1/core
	rm -f $MNT/$1/core
	ln -s $MNT/$1/core /tmp/core
	session "$1" <<-END
		open f dump new
		write f 0 256K 1
		map s f 0 256K
		core s 8K 1 0x100 in
	END
	rm -f /tmp/core $MNT/$1/core
}

not_dumped() { # by default a dump lacks private copies: also the variables of a program on DAX
	change /proc/sys/kernel/core_pattern /tmp/core
	session "$1" <<-END
		open f dump new
		write f 0 256K 1
		map p f 0 256K private
		store p 16K 4K 2
		core p 16K 2 0x33 out
	END
}

charged() { # a task that maps a file of DAX is charged for private copies alone
	_group=/sys/fs/cgroup
	mountpoint -q $_group || mount -t cgroup2 none $_group
	echo +memory >$_group/cgroup.subtree_control
	mkdir -p $_group/dax
	_rc=0
	(
		sh -c 'echo $$ >'"$_group"'/dax/cgroup.procs; exec daxexer session '"$MNT/$1" <<-END
			open f charge new
			write f 0 16M 1
			map m f 0 16M
			map p f 0 4M private
			dirty m 0 16M
			touch p 0 4M
			shell [ \$(awk '\$1 == "file" { print \$2 }' $_group/dax/memory.stat) -lt 1048576 ]
			shell [ \$(awk '\$1 == "file_mapped" { print \$2 }' $_group/dax/memory.stat) -lt 1048576 ]
			shell [ \$(awk '\$1 == "anon" { print \$2 }' $_group/dax/memory.stat) -lt 3000000 ]
			dirty p 0 4M
			shell [ \$(awk '\$1 == "anon" { print \$2 }' $_group/dax/memory.stat) -ge 4194304 ]
			shell (echo 16M >$_group/dax/memory.reclaim) 2>/dev/null || :
			load p 8 4088 1
		END
	) || _rc=$?
	rmdir $_group/dax
	return $_rc
}

asked() { # PROCMAP_QUERY
	session "$1" <<-END
		open f ask new
		write f 0 4M 1
		map m f 1M 2M
		query m 2M
	END
}

balanced() { # the counters of mapped pages are as before when all is unmapped
	_was=$(mapped_huge)
	session "$1" <<-END
		open f balance new
		write f 0 8M 1
		map m f 0 8M
		map n f 0 8M shift 4K
		map p f 0 8M private
		touch m 0 8M
		shell [ \$(awk '\$1 == "nr_file_pmdmapped" { print \$2 }' /proc/vmstat) -ge 4 ]
		touch n 0 8M
		touch p 0 8M
		dirty p 0 64K
		dirty m 2M 64K
		protect m 64K 4K r
		move m 8M
		touch m 0 8M
		child dirty p 2M 64K
		advise m 4M 64K cold
		falloc f punch 4M 64K
		touch m 0 8M
		truncate f 5M
		touch m 0 5M
	END
	want "nr_file_pmdmapped" "$(mapped_huge)" "$_was"
}

mapped_huge() {
	cat /proc/sys/vm/stat_refresh
	counter nr_file_pmdmapped
}

with ext4 xfs
on "ext4 xfs" "smaps after a sync" written_back
on "ext4 xfs" "smaps of memory that was dirty" still_dirty
on "ext4 xfs" "mincore" resident
on "ext4 xfs" "smaps" counted
on "ext4 xfs" "pagemap" paged
on "ext4 xfs" "clear_refs" referenced
on "ext4 xfs" "move_pages" moved_node
on "ext4 xfs" "mbind" bound
on "ext4 xfs" "mbind of 2 MiB" bound_huge
on "ext4 xfs" "core dumps" dumped
on "ext4 xfs" "core dumps by default" not_dumped
on "ext4 xfs" "memory cgroups" charged
on "ext4 xfs" "PROCMAP_QUERY" asked
on "ext4 xfs" "counters of mapped pages" balanced
on "ext4 xfs" "in order and complete after a remount" consistent
finish
