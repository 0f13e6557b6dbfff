#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Memory fails under mappings with 4 KiB and 2 MiB entries.
# boot: dax-poison
# disks: 256M 256M 128M 128M
# reload: yes
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# timeout: 60
# allow: (XFS|EXT4-fs).*(Corruption|corruption|error)
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh
. ./poison-lib.sh

plan 7

broken_page() { # a later write repairs the page
	page_breaks "$1" f <<-END
		write f 64K 64K 2
		load s 64K 64K 2
	END
}

broken_huge() { # a page of a 2 MiB entry fails: the task that loads from it gets SIGBUS, the machine goes on
	session "$1" <<-END
		open f huge new
		write f 0 4M 1
		map m f 0 4M
		load m 0 2M 1
		pages m 0 2M huge:512
		dies bus advise m 20K 4K poison
		load m 2M 2M 1
		write f 2M 64K 2
		load m 2M 64K 2
	END
}

# V4: the address in the signal's siginfo
broken_huge_where() {
	session "$1" <<-END
		open f where new
		write f 0 4M 1
		map m f 0 4M
		load m 0 2M 1
		pages m 0 2M huge:512
		broken m 20K advise m 20K 4K poison
	END
}

still_there() {
	session "$1" <<-END
		open g other new
		write g 0 4M 3
		map m g 0 4M
		load m 0 4M 3
		sync g
	END
}

with ext4 xfs
on "ext4 xfs" "a page that breaks" broken_page
on "ext4 xfs" "a page of 2 MiB that breaks" broken_huge
it "xfs: a page of 2 MiB that breaks: the signal names it" broken_huge_where xfs
on "ext4 xfs" "other files go on" still_there
finish
