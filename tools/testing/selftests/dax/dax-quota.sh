#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Quotas on DAX files: what counts, what is refused, and how. Documentation/kernel-options.rst has a table.
# boot: dax
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# disks: 256M 256M
# mem: 2G
# lanes: ctwin
# programs: xfs_quota setpriv
# timeout: 60
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 8

with_quota() {
	needs_option QUOTA
	umount "$MNT/$1"
	[ "$1" != ext4 ] || mkfs.ext4 -q -F -b 4096 -O quota -E quotatype=usrquota "$(device ext4)"
	_said=$(mount -t "$1" -o dax=always,usrquota "$(device "$1")" "$MNT/$1" 2>&1) || case $_said in
	*'No such process'*) skip "there is no module quota_v2" ;;
	*) fail "$_said" ;;
	esac
	touch "$MNT/$1/.dax"
	mkdir "$MNT/$1/user"
	chown 1000 "$MNT/$1/user"
	touch "$MNT/$1/user/f"
	chown 1000 "$MNT/$1/user/f"
	daxexer isdax "$MNT/$1/user/f"
}

used() { # FSTYPE: the KiB that the quota counts for the user
	xfs_quota -x -f -c 'report -u -b -N -n' "$MNT/$1" | awk '$1 == "#1000" { print $2 }'
}

# has_quota FSTYPE: skip a test if the filesystem could not be mounted
has_quota() { [ -d "$MNT/$1/user" ] || skip "there are no quotas"; }

refused_blocks() { # writes, allocations and faults of files whose owner has no more quota
	has_quota "$1"
	as_user daxexer session "$MNT/$1/user" <<-END
		open f f
		falloc f alloc 0 4M
		write f 0 2M 1
		map m f 0 4M
		store m 2M 2M 1
		sync f
	END
	sync
	xfs_quota -x -f -c "limit -u bhard=$(used "$1")k 1000" "$MNT/$1"
	as_user daxexer session "$MNT/$1/user" <<-END
		open f f
		truncate f 16M
		map m f 0 16M
		# blocks that the file has already may be written
		store m 0 4M 2
		fails EDQUOT write f 6M 4K 1
		fails EDQUOT falloc f alloc 6M 2M
		dies bus store m 6M 4K 1
		dies bus store m 8M 2M 1
		# holes still read as zeroes, and nothing of what was refused is there
		load m 4M 12M 0
		check f 0 4M 2
		# what is given back can be used again, by a write and by faults
		truncate f 2M
		truncate f 16M
		write f 8M 1M 3
		store m 10M 512K 4
		sync f
		check f 8M 1M 3
		check f 10M 512K 4
		check f 0 2M 2
	END
}

exact() { # the quota counts what the files have
	has_quota "$1"
	sync
	want "KiB of the user" "$(used "$1")" "$(du -sk "$MNT/$1/user" | cut -f1)"
	as_user daxexer session "$MNT/$1/user" <<-END
		open f f
		truncate f 1M
		map m f 0 1M
		store m 0 1M 5
	END
	sync
	want "KiB after a truncation" "$(used "$1")" "$(du -sk "$MNT/$1/user" | cut -f1)"
	rm "$MNT/$1/user/f"
	sync
	want "KiB without files" "$(used "$1")" "$(du -sk "$MNT/$1/user" | cut -f1)"
}

in_order() { # fsck compares the quota with the files, too
	has_quota "$1"
	consistent "$1"
}

with ext4 xfs
on "ext4 xfs" "mounted with DAX and quotas" with_quota
on "ext4 xfs" "no blocks beyond the quota" refused_blocks
on "ext4 xfs" "the quota counts what the files have" exact
on "ext4 xfs" "in order and complete after a remount" in_order
finish
