# SPDX-License-Identifier: GPL-2.0
# For recover-make.sh and recover-judge.sh, which run in two kernels over the same memory: each of the devices
# from pmem2 on has an image of a power cut, and the last one has the list of files for each image.
# shellcheck shell=dash

. ./ktap.sh

EXT4_IMAGES='pmem2 pmem3 pmem4 pmem5'
XFS_IMAGES='pmem6 pmem7 pmem8 pmem9'
NOTES_DISK=/dev/pmem10
export NOTES=/tmp/notes

# the other kernel needs what is on the devices
keep_images() {
	umount_all
	unload_stack
}
