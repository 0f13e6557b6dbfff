#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Calls of the dax_device fail in the middle of operations of filesystem-DAX.
# boot: inject
# disks: 256M 256M 128M 128M
# reload: yes
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# timeout: 240
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 18

FAIL=/sys/kernel/debug/fail_function
EIO=0xfffffffffffffffb

# Only the functions of the core in Rust are annotated for error injection; those of C are not.
can_fail() {
	[ -d $FAIL ] || skip "no injection of errors in this kernel"
	grep -q "^$1[[:space:]]" /sys/kernel/debug/error_injection/list ||
		skip "$1 of this core cannot be made to fail"
}

# failing FUNCTION [RETURN VALUE]: prepare the failure of a function; a session says which call fails
failing() {
	can_fail "$1"
	echo >$FAIL/inject
	echo "$1" >$FAIL/inject
	[ -z "$2" ] || echo "$2" >"$FAIL/$1/retval"
	echo 0 >$FAIL/times
	echo 100 >$FAIL/probability
	echo 1 >$FAIL/interval
	echo 0 >$FAIL/verbose
}
restored() {
	[ -d $FAIL ] || return 0
	echo 0 >$FAIL/probability
	echo >$FAIL/inject
}

# Steps of a session: AT N makes the Nth call from here fail, once; FAILED checks that it happened.
calls() { # FSTYPE
	sed -e "s,\<AT \([0-9]*\),shell echo \1 >$FAIL/space; echo 1 >$FAIL/times," \
		-e "s,\<FAILED\>,shell test \$(cat $FAIL/times) = 0," | session "$1"
}

read_() {
	failing dax_direct_access $EIO
	calls "$1" <<-END
		open f read new
		write f 0 256K 1
		AT 1
		fails EIO check f 0 256K 1
		FAILED
		check f 0 256K 1
	END
}

write_() {
	failing dax_direct_access $EIO
	calls "$1" <<-END
		open f write new
		write f 0 256K 1
		AT 1
		fails EIO write f 64K 64K 2
		FAILED
		check f 0 256K 1
		write f 64K 64K 2
		check f 0 64K 1
		check f 64K 64K 2
		check f 128K 128K 1
	END
}

new_blocks() { # old data of newly allocated blocks never becomes visible
	failing dax_direct_access $EIO
	calls "$1" <<-END
		open f new new
		AT 1
		fails EIO write f 0 64K 2
		FAILED
		size f 0
		write f 64K 64K 3
		check f 0 64K 0
		check f 64K 64K 3
	END
}

copied_less() { # a copy of 0 bytes looks like a fault on the user's memory
	failing dax_copy_from_iter
	calls "$1" <<-END
		open f copy new
		write f 0 256K 1
		AT 1
		fails EFAULT|EIO write f 64K 64K 2
		FAILED
		check f 0 256K 1
	END
	failing dax_copy_to_iter
	calls "$1" <<-END
		open f copy
		AT 1
		fails EFAULT|EIO check f 0 64K 1
		FAILED
		check f 0 256K 1
	END
}

fault() {
	failing dax_direct_access $EIO
	calls "$1" <<-END
		open f fault new
		write f 0 4M 1
		map s f 0 4M shift 4K
		AT 1
		dies bus load s 0 4K 1
		FAILED
		load s 0 4K 1
		AT 1
		dies bus store s 64K 4K 2
		FAILED
		check f 0 4M 1
		store s 64K 4K 2
		check f 64K 4K 2
		map p f 0 4M private shift 4K
		AT 1
		dies bus store p 128K 4K 2
		FAILED
		store p 128K 4K 2
		load p 128K 4K 2
		check f 128K 4K 1
	END
}

huge_fault() { # the fault falls back to 4 KiB if it cannot map 2 MiB
	failing dax_direct_access $EIO
	calls "$1" <<-END
		open f huge new
		write f 0 4M 1
		map m f 0 4M
		AT 1
		load m 0 4K 1
		FAILED
		load m 0 4M 1
	END
}

zeroing() { # zeroing a part of a page fails: the file keeps its size and content
	failing dax_direct_access $EIO
	calls "$1" <<-END
		open f zero new
		write f 0 64K 1
		AT 1
		fails EIO falloc f zero 100 200
		FAILED
		check f 0 64K 1
		falloc f zero 128 256
		check f 128 256 0
	END
}

copy_on_write() {
	failing dax_direct_access $EIO
	calls "$1" <<-END
		open f shared new
		open g sharing new
		write f 0 64K 1
		clone f 0 64K g 0
		AT 1
		fails EIO write g 104 200 2
		FAILED
		check g 0 64K 1
		AT 2
		fails EIO write g 104 200 2
		FAILED
		check g 0 64K 1
		write g 104 200 2
		check f 0 64K 1
		check g 104 200 2
		AT 1
		fails EIO falloc g unshare 0 64K
		FAILED
		check f 0 64K 1
		falloc g unshare 0 64K
		check g 104 200 2
	END
}

compared() {
	failing dax_direct_access $EIO
	calls "$1" <<-END
		open f one new
		open g other new
		write f 0 64K 1
		write g 0 64K 1
		AT 1
		fails EIO dedupe f 0 64K g 0 same
		FAILED
		AT 2
		fails EIO dedupe f 0 64K g 0 same
		FAILED
		dedupe f 0 64K g 0 same
	END
}

tidy() { restored; clean_stack; }
at_end tidy

with ext4 xfs
on "ext4 xfs" "a read" read_
on "ext4 xfs" "a write" write_
on "ext4 xfs" "a write of new blocks" new_blocks
on "ext4 xfs" "nothing is copied" copied_less
on "ext4 xfs" "faults of a page" fault
on "ext4 xfs" "a fault of 2 MiB" huge_fault
on "ext4 xfs" "zeroes in a page" zeroing
it "xfs: a write to shared blocks" copy_on_write xfs
it "xfs: comparison" compared xfs
restored
on "ext4 xfs" "all in order" consistent
finish
