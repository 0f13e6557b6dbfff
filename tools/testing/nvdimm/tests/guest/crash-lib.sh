# SPDX-License-Identifier: GPL-2.0
# What the crash scripts share: a filesystem's memory is recorded while random operations go on, and
# what power cuts could have left of it is recovered, read and checked.
# shellcheck shell=dash

# small, since each image is all of it
MKFS_XFS_OPTS='-d agcount=2'

# all images are as they have to be
power_cuts() { # FILESYSTEM SEED OPERATIONS IMAGES [MOUNT-OPTIONS]
	mkfs_on $1 /dev/pmem0
	persist-crash "$@"
}

# some images are not
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
