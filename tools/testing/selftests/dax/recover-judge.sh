# SPDX-License-Identifier: GPL-2.0
# The images of recover-make.sh in another kernel: it mounts each, finds the same files, and a consistent
# filesystem.
# cmdline: memmap=64M!1G memmap=64M!1152M memmap=64M!1280M memmap=64M!1408M memmap=64M!1536M
# cmdline: memmap=64M!1664M memmap=64M!1792M memmap=64M!1920M memmap=64M!2048M memmap=64M!2176M
# cmdline: memmap=64M!2304M
# mem: 2560M
# crate: persist-crash
# timeout: 120
# shellcheck shell=dash
. ./recover-lib.sh

plan 9
load_stack

listed() { # the first kernel has written the lists
	mkdir $NOTES
	tar -x -f $NOTES_DISK -C $NOTES
	want "images" "$(ls $NOTES | wc -l)" 8
}

same() { # FILESYSTEM DISK: this kernel finds in the image what the first kernel found
	persist-crash recover $1 $2 >/tmp/found || { cat /tmp/found; fail "$2 cannot be recovered"; }
	diff $NOTES/$2 /tmp/found
}

it "the lists of the files" listed
for disk in $EXT4_IMAGES; do it "ext4: $disk" same ext4 $disk; done
for disk in $XFS_IMAGES; do it "xfs: $disk" same xfs $disk; done
finish
