#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Features of files that exclude DAX, fscrypt and fs-verity, and one that does not, POSIX ACLs.
# Documentation/kernel-options.rst has a table.
# boot: dax
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# disks: 256M 256M
# mem: 2G
# lanes: ctwin
# programs: setfacl setpriv tune2fs
# timeout: 60
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 9

# again DAX: make the ext4 filesystem that has these features, or only mount it, with -o dax=DAX
again() {
	umount "$MNT/ext4"
	tune2fs -l /dev/$DISK0 | grep -q verity || mkfs.ext4 -q -F -b 4096 -O encrypt,verity /dev/$DISK0
	mount -t ext4 -o "dax=$1" /dev/$DISK0 "$MNT/ext4"
	touch "$MNT/ext4/.dax"
}

# policy DIR: encrypt what will be in the directory
policy() {
	_key=$(yes 0123456789abcdef | tr -d '\n' | head -c 64 | xfs_io -c add_enckey "$MNT/ext4")
	xfs_io -c "set_encpolicy -v 2 ${_key##* }" "$1"
}

# new_secret FILE: make a file in an encrypted directory
new_secret() {
	_said=$(touch "$1" 2>&1) || case $_said in
	*'Package not installed'*) skip "this kernel lacks a module of the cipher" ;;
	*) fail "$_said" ;;
	esac
}

cached() { refused_for "page cache" daxexer isdax "$1"; }

encrypted() { # the medium has the cipher text, which is of no use in a mapping
	needs_option FS_ENCRYPTION
	again always
	mkdir "$MNT/ext4/secret"
	policy "$MNT/ext4/secret"
	touch "$MNT/ext4/plain"
	new_secret "$MNT/ext4/secret/file"
	daxexer isdax "$MNT/ext4/plain"
	cached "$MNT/ext4/secret/file"
	daxexer session "$MNT/ext4/secret" <<-END
		open f file
		write f 0 64K 1
		sync f
		map m f 0 64K
		load m 0 64K 1
		store m 4K 4K 2
		sync f
		check f 4K 4K 2
		fails EOPNOTSUPP map n f 0 64K sync
	END
	rm -r "$MNT/ext4/secret"
}

not_both_encrypted() { # neither the flag on encrypted files nor encryption in a directory with the flag
	needs_option FS_ENCRYPTION
	again inode
	mkdir "$MNT/ext4/locked" "$MNT/ext4/flagged"
	policy "$MNT/ext4/locked"
	new_secret "$MNT/ext4/locked/file"
	refused_for "not supported" xfs_io -c 'chattr +x' "$MNT/ext4/locked/file"
	cached "$MNT/ext4/locked/file"
	rm -r "$MNT/ext4/locked"
	xfs_io -c 'chattr +x' "$MNT/ext4/flagged"
	refused_for "not supported" policy "$MNT/ext4/flagged"
	touch "$MNT/ext4/flagged/file"
	daxexer isdax "$MNT/ext4/flagged/file"
}

sealed_dax() { # a DAX file
	needs_option FS_VERITY
	again always
	session ext4 <<-END
		open f sealed new
		write f 0 64K 1
		close f
		open v sealed ro
		fails EINVAL verity v
		open f sealed
		write f 0 4K 2
		check f 0 4K 2
	END
	daxexer isdax "$MNT/ext4/sealed"
}

sealed() { # a file without DAX keeps off DAX for ever
	needs_option FS_VERITY
	again inode
	session ext4 <<-END
		open f verified new
		write f 0 64K 1
		close f
		open v verified ro
		verity v
		check v 0 64K 1
		fails EPERM open f verified
	END
	refused_for "not supported" xfs_io -r -c 'chattr +x' "$MNT/ext4/verified"
	again always
	cached "$MNT/ext4/verified"
	daxexer isdax "$MNT/ext4/sealed"
	session ext4 <<-END
		open v verified ro
		check v 0 64K 1
		map m v 0 64K ro
		load m 0 64K 1
		fails EOPNOTSUPP map n v 0 64K sync ro
	END
}

unknown() { # xfs has neither of both
	session xfs <<-END
		open f unknown new
		write f 0 4K 1
		close f
		open v unknown ro
		fails ENOTTY|EOPNOTSUPP verity v
	END
	mkdir "$MNT/xfs/secret"
	refused xfs_io -c 'set_encpolicy -v 2 0123456789abcdef0123456789abcdef' "$MNT/xfs/secret"
	touch "$MNT/xfs/secret/file"
	daxexer isdax "$MNT/xfs/secret/file"
}

acl() { # an ACL decides on opening a DAX file, and is there after another mount
	[ "$1" != ext4 ] || needs_option EXT4_FS_POSIX_ACL
	[ "$1" != xfs ] || needs_option XFS_POSIX_ACL
	mkdir "$MNT/$1/acl"
	setfacl -m d:u:1000:rw,u:1000:x "$MNT/$1/acl"
	chmod o-rwx "$MNT/$1/acl"
	session "$1" <<-END
		open f acl/both new
		write f 0 64K 1
		open g acl/read new
		write g 0 64K 1
		open h acl/none new
		write h 0 64K 1
	END
	setfacl -m u:1000:r "$MNT/$1/acl/read"
	setfacl -x u:1000 "$MNT/$1/acl/none"
	chmod o-rwx "$MNT/$1"/acl/*
	umount "$MNT/$1"
	mount_dax "$1" "$(device "$1")" "$MNT/$1"
	as_user daxexer session "$MNT/$1/acl" <<-END
		open f both
		map m f 0 64K
		store m 0 64K 2
		check f 0 64K 2
		fails EACCES open g read
		open g read ro
		map n g 0 64K ro
		load n 0 64K 1
		fails EACCES map p g 0 64K
		fails EACCES open h none ro
	END
	daxexer isdax "$MNT/$1/acl/both"
}

with ext4 xfs
it "ext4: an encrypted file is no DAX file" encrypted
it "ext4: encryption and the DAX flag exclude each other" not_both_encrypted
it "ext4: fs-verity refuses a DAX file" sealed_dax
it "ext4: a file with fs-verity is no DAX file" sealed
it "xfs: no encryption and no fs-verity" unknown
on "ext4 xfs" "an ACL decides on a DAX file" acl
on "ext4 xfs" "in order and complete after a remount" consistent
finish
