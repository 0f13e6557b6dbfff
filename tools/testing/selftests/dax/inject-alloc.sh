#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Every allocation below filesystem-DAX and the core fails once.
# disks: 256M 256M 128M 128M
# reload: yes
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M slab_debug=FZA kunit.enable=0
# mem: 2G
# smp: 1
# timeout: 360
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh
. ./inject-lib.sh
. ./inject-sites.sh

can_inject || { plan 1; it "faults can be injected" skip "no fault injection in this kernel"; finish; }
plan 21

page_fault() {
	within fsdax
	steps "$1" <<-END
		open f page new
		write f 0 8M 1
		map m f 0 8M shift 4K
		NTH store m 1M 4K 2
		load m 1M 4K 2
		load m 1M+4K 4K 1
		sync f
		check f 1M 4K 2
	END
	some
	starving "$1"
	steps "$1" <<-END
		open f page
		map m f 0 8M shift 4K
		NTH load m 4M 4K 1
		load m 4M 64K 1
	END
	some
}

synchronous() { # with an fsync between the accesses
	within fsdax
	steps "$1" <<-END
		open f sync new
		falloc f alloc 0 8M
		map m f 0 8M sync shift 4K
		NTH store m 4M 4K 1
		store m 4M 4K 1
		check f 4M 4K 1
	END
	some
	starving "$1"
}

populated() { # MAP_POPULATE reports the failure to the caller
	within fsdax
	steps "$1" <<-END
		open f told new
		write f 0 4M 1
		map m f 0 4M shift 4K
		NTH advise m 1M 64K populate-write
		store m 1M 4K 2
		check f 1M 4K 2
	END
	some
	starving "$1"
}

huge_fault() {
	within fsdax
	steps "$1" <<-END
		open f huge new
		write f 0 8M 1
		map m f 0 8M
		NTH store m 2M 4K 2
		load m 2M 4K 2
		load m 4M 64K 1
		sync f
		check f 2M 4K 2
	END
	some
	starving "$1"
}

holes() {
	within fsdax
	steps "$1" <<-END
		open f hole new
		truncate f 8M
		map m f 0 8M shift 4K
		NTH load m 4M 64K 0
		store m 4M 4K 1
		check f 4M 4K 1
		check f 4M+4K 60K 0
	END
	some
	starving "$1"
	steps "$1" <<-END
		open f hole new
		truncate f 8M
		map m f 0 8M
		shell echo 2 >/proc/sys/vm/drop_caches
		NTH load m 4M 64K 0
		store m 4M 4K 1
		check f 4M 4K 1
	END
	some
	starving "$1"
}

private() {
	within fsdax
	steps "$1" <<-END
		open f private new
		write f 0 4M 1
		map m f 0 4M private
		NTH store m 4K 4K 2
		load m 4K 4K 2
		load m 8K 64K 1
		check f 4K 4K 1
	END
	some
}

# an operation that fails leaves the file unchanged
changes() {
	within fsdax
	steps "$1" <<-END
		open f write new
		NTH write f 0 64K 1
		write f 0 64K 1
		check f 0 64K 1
	END
	some
	dirty_file "$1" "falloc f punch 100 8K" "check f 8K+104 32K 1"
	some
	dirty_file "$1" "truncate f 30000"
	some
	dirty_file "$1" "sync f"
	# the operation only looks up existing entries
	want "allocations" $FAILED 0
}

dirty_file() { # FSTYPE STEP [CHECK]: the step finds dirty entries; tried again, it succeeds
	steps "$1" <<-END
		open f cut new
		write f 0 64K 1
		map m f 0 64K
		dirty m 0 64K
		write f 0 64K 1
		NTH $2
		$2
		${3:-# nothing more}
	END
}

shared() {
	within fsdax
	steps xfs <<-END
		open f shared new
		open g sharing new
		write f 0 64K 1
		clone f 0 64K g 0
		NTH write g 104 200 2
		write g 104 200 2
		check g 104 200 2
		check f 0 64K 1
	END
	some
	steps xfs <<-END
		open f shared new
		open g sharing new
		write f 0 64K 1
		clone f 0 64K g 0
		NTH falloc g unshare 0 64K
		check f 0 64K 1
		check g 0 64K 1
		falloc g unshare 0 64K
		check g 0 64K 1
	END
	some
}

compared() {
	within fsdax
	steps xfs <<-END
		open f one new
		open g other new
		write f 0 64K 1
		write g 0 64K 1
		NTH dedupe f 0 64K g 0 same
		check g 0 64K 1
		dedupe f 0 64K g 0 same
	END
	# C compares the pages in place and allocates no memory
	fsdax_is_c || some
}

# device-mapper makes a dax_device
table() { # N
	_s=$(($(cat /sys/block/$DISK2/size) / 4096 * 4096))
	without "$1" dmsetup create starved --table "0 $_s linear /dev/$DISK2 0" || {
		refused dmsetup info starved
		dmsetup create starved --table "0 $_s linear /dev/$DISK2 0"
	}
	dmsetup remove starved
}
no_more_than() { [ "$(slab_objects dax_cache)" -le "$1" ]; } # RCU frees the inodes
minors() { # N...: the minor numbers that are in use; the core in C has no list
	[ ! -e $DEBUG/dax/devices ] ||
		want "minor numbers" "$(awk 'NR > 1 { print $1 }' $DEBUG/dax/devices | xargs)" "$*"
}
tables() {
	within core
	_before=$(slab_objects dax_cache)
	each table
	some
	until_true 5 no_more_than "$_before"
	dmsetup create last --notable
	minors 0 1 2 3 4
	dmsetup remove last
}

# An XArray slot holds the first 63 minor numbers; the next needs an allocation.
numbers() {
	within core
	for _i in $(seq $((63 - $(ls /sys/block | grep -c '^pmem')))); do dmsetup create "crowd$_i" --notable; done
	echo 2 >$DEBUG/failslab/times
	echo 100 >$DEBUG/failslab/probability
	refused without 0 dmsetup create starved --notable
	echo 0 >$DEBUG/failslab/probability
	want "left to fail" "$(cat $DEBUG/failslab/times)" 0
	without 1 dmsetup create starved --notable
	dmsetup remove starved
	remove_dm
	minors 0 1 2 3
}

tidy() { record_off; clean_stack; }
at_end tidy

arm
record
with ext4 xfs
on "ext4 xfs" "a fault of a page" page_fault
on "ext4 xfs" "a synchronous mapping" synchronous
on "ext4 xfs" "pages are populated" populated
on "ext4 xfs" "a fault of 2 MiB" huge_fault
on "ext4 xfs" "loads from holes" holes
on "ext4 xfs" "private mappings" private
on "ext4 xfs" "write, punch, truncate, fsync" changes
it "xfs: copy on write, unshare" shared
it "xfs: dedupe" compared
it "ext4: in order and complete" consistent ext4
it "xfs: in order and complete" consistent xfs
it "a device of the mapper" tables
it "more than 63 devices" numbers
note
it "every allocation was seen to fail" every_site dax_core fs_dax
finish
