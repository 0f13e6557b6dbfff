#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Mapped ranges are punched, zeroed, collapsed, inserted or truncated.
# boot: dax
# disks: 256M 256M 128M 128M
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# timeout: 60
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 19

# PREPARED: steps that map a file and dirty its first 2 MiB by 2 MiB and 4 KiB entries
PREPARED="write f 0 8M 1
map m f 0 8M
map s f 0 8M shift 4K
store m 0 1M 2
store s 4M 64K 2"

punched() {
	session "$1" <<-END
		open f punch new
		$PREPARED
		falloc f punch 64K 64K
		load m 0 64K 2
		load m 64K 64K 0
		load s 128K 896K 2
		# punch pages, a part of 2 MiB, all 2 MiB, unaligned bytes
		falloc f punch 2M+4K 4K
		load m 2M 4K 1
		load m 2M+4K 4K 0
		load s 2M+8K 4K 1
		falloc f punch 4M 2M
		load m 4M 2M 0
		load s 4M 2M 0
		falloc f punch 6M+104 5000
		load m 6M 104 1
		load m 6M+104 5000 0
		load s 6M+5104 64K 1
		size f 8M
		check f 0 64K 2
		check f 64K 64K 0
		check f 4M 2M 0
		# and written again
		store m 4M+8K 4K 3
		load s 4M+8K 4K 3
		load s 4M 8K 0
		write f 64K 4K 3
		load m 64K 4K 3
	END
}

zeroed() {
	session "$1" <<-END
		open f zero new
		$PREPARED
		falloc f zero 64K 64K
		load m 0 64K 2
		load m 64K 64K 0
		load s 128K 896K 2
		falloc f zero 4M 2M
		load m 4M 2M 0
		load s 4M 2M 0
		falloc f zero 6M+104 5000
		load m 6M 104 1
		load m 6M+104 5000 0
		load s 6M+5104 64K 1
		store m 4M 4K 3
		check f 4M 4K 3
		check f 4M+4K 1M 0
	END
}

collapsed() {
	session "$1" <<-END
		open f collapse new
		$PREPARED
		falloc f collapse 64K 64K
		load m 0 64K 2
		load m 64K 896K 2 @128K
		load s 960K 64K 1 @1M
		check f 1M 2M 1 @1M+64K
		size f 8128K
		falloc f collapse 0 1984K
		size f 6M
		dies bus touch m 6M 4K
		load m 0 2M 1 @2M
		load s 2M 64K 2 @4M
		load m 2M+64K 1M 1 @4M+64K
		# two mappings and the file agree about a store
		store m 0 4K 3
		check f 0 4K 3
		load s 0 4K 3
	END
}

inserted() {
	session "$1" <<-END
		open f insert new
		$PREPARED
		falloc f insert 64K 64K
		load m 0 64K 2
		load m 64K 64K 0
		load s 128K 896K 2 @64K
		load m 1M+64K 1M 1 @1M
		size f 8256K
		falloc f insert 0 1984K
		load s 1984K 64K 2 @0
		load m 6M 64K 2 @4M
		store m 0 4K 3
		load s 0 4K 3
		check f 0 4K 3
		check f 4K 1M 0
	END
}

cut_off() { # a file that grows after a truncation has zeroes there
	session "$1" <<-END
		open f cut new
		$PREPARED
		truncate f 5M+104
		load m 5M 104 1
		load s 5M+104 3992 0
		dies bus touch m 5M+4K 4K
		dies bus touch s 6M 4K
		load s 4M 64K 2
		truncate f 8M
		load m 5M+104 2M 0
		load s 5M 104 1
		truncate f 64K
		truncate f 2M
		load m 0 64K 2
		load m 64K 1M 0
		truncate f 0
		dies bus touch m 0 4K
		truncate f 8M
		load m 0 8M 0
		store m 2M 1M 4
		check f 2M 1M 4
		shell [ \$(stat -c %b $MNT/$1/cut) -le 4100 ]
	END
}

grown() { # the rest of the last page is zeroes when the file grows over it
	session "$1" <<-END
		open f grow new
		write f 0 5000 1
		map m f 0 2M
		store m 5000 3192 2
		truncate f 2M
		load m 0 5000 1
		load m 5000 1M 0
		truncate f 5000
		store m 5000 96 2
		write f 8K 4K 3
		check f 5000 3192 0
		check f 8K 4K 3
	END
}

appended() { # write() extends the file under a mapping that reaches beyond its end
	session "$1" <<-END
		open f append new
		map m f 0 8M
		dies bus touch m 0 4K
		write f 0 100 1 @0
		load m 0 96 1
		load m 100 3000 0
		write f 104 5000 2
		load m 104 5000 2
		write f 2M 2M 3
		load m 2M 2M 3
		load m 5104 64K 0
	END
}

with ext4 xfs stripe
on "ext4 xfs stripe" "punch" punched
on "ext4 xfs stripe" "zero-range" zeroed
on "ext4 xfs" "collapse-range" collapsed
on "ext4 xfs" "insert-range" inserted
on "ext4 xfs" "truncate and back" cut_off
on "ext4 xfs" "growing over the end of a page" grown
on "ext4 xfs" "appending under a mapping" appended
on "ext4 xfs stripe" "in order and complete after a remount" consistent
finish
