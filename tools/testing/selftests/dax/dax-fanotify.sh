#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What listeners of fanotify learn of DAX files, and what they can refuse. Documentation/kernel-options.rst
# has a table.
# boot: dax
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# disks: 256M 256M
# mem: 2G
# lanes: ctwin
# timeout: 60
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 6

told() { # calls are events, loads and stores through mappings are not
	needs_option FANOTIFY
	session "$1" <<-END
		open f told new
		write f 0 64K 1
		map m f 0 64K
		notice f
		noticed nothing
		write f 0 4K 2
		noticed write
		check f 0 4K 2
		noticed read
		store m 4K 4K 3
		load m 4K 4K 3
		msync m 0 64K
		noticed nothing
		falloc f punch 8K 4K
		noticed write
		# as for every file: a truncation is an event for listeners that take file handles alone
		truncate f 32K
		noticed nothing
	END
}

denied() { # before calls and mmap(), with the range; the memory is not touched
	needs_option FANOTIFY_ACCESS_PERMISSIONS
	session "$1" <<-END
		open g denied new
		write g 0 64K 1
		guard g deny
		open f denied
		fails EPERM check f 4K 4K 1
		guarded 4096:4096
		fails EPERM write f 8K 4K 2
		guarded 8192:4096
		fails EPERM map m f 16K 8K
		guarded 16384:8192
		# what was open before does not ask
		check g 0 64K 1
		map n g 0 64K
		load n 0 64K 1
		guarded
	END
}

allowed() { # faults of a mapping do not ask again
	needs_option FANOTIFY_ACCESS_PERMISSIONS
	session "$1" <<-END
		open g allowed new
		truncate g 4M
		guard g allow
		open f allowed
		write f 0 4K 1
		guarded 0:4096
		check f 0 4K 1
		guarded 0:4096
		map m f 0 4M
		guarded 0:4194304
		load m 0 4K 1
		store m 2M 64K 2
		advise m 0 4M dontneed
		load m 2M 64K 2
		guarded
	END
}

with ext4 xfs
on "ext4 xfs" "a listener is told of calls" told
on "ext4 xfs" "a listener denies access beforehand" denied
on "ext4 xfs" "a listener allows access beforehand" allowed
finish
