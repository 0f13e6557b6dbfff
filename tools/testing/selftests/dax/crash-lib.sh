# SPDX-License-Identifier: GPL-2.0
# For the crash scripts: the checker records a filesystem's memory during random operations. Then it makes
# images that a power cut could have left; persist-crash mounts, reads and checks each.
# shellcheck shell=dash

# a small filesystem: each image is a copy of all of it
MKFS_XFS_OPTS='-d agcount=2'

# power_cuts: every image has all data that was synced
power_cuts() { # FILESYSTEM SEED OPERATIONS IMAGES [MOUNT-OPTIONS]
	mkfs_on $1 /dev/pmem0
	persist-crash "$@"
}

# lost: some images lack data that was synced
lost() { # FILESYSTEM SEED OPERATIONS IMAGES [MOUNT-OPTIONS]
	_rc=0
	power_cuts "$@" || _rc=$?
	want "exit status" $_rc 1
}

without_write_cache() { # FILESYSTEM SEED OPERATIONS IMAGES
	echo 0 >/sys/block/pmem0/dax/write_cache
	_rc=0
	(lost "$@") || _rc=$?
	echo 1 >/sys/block/pmem0/dax/write_cache
	return $_rc
}

shared_blocks() {
	mkfs_on xfs /dev/pmem0
	persist-crash xfs shared
}
