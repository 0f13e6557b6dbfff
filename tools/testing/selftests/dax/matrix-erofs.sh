#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The matrix, erofs: images on pmem, of one device and of two. Files that are stored
# uncompressed have DAX; compressed or inline files have none.
# boot: matrix
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# root: yes
# lanes: ctwin stock
# tier: full
# timeout: 240
# shellcheck shell=dash
. ./ktap.sh
. ./debian.sh
. ./matrix-lib.sh

plan 8

SOURCE=/tmp/erofs
LIST=/tmp/erofs-list
JOB="--name=job --directory=$CELL --filename=fio --size=2M --bs=4k"

source_tree() {
	mkdir -p $SOURCE/tree
	daxexer tree $SOURCE/tree --files 60 --seed 8
	daxexer fill $SOURCE/large --len 6M --seed 5
	yes "a text that can be compressed" | head -c 300000 >$SOURCE/text
	cp "$(command -v daxexer)" $SOURCE/program
	mkdir -p $CELL
	mount --bind $SOURCE $CELL
	# shellcheck disable=SC2086 # words
	run_fio $JOB --ioengine=psync --rw=write --do_verify=0
	umount $CELL
	daxexer manifest $SOURCE --as $CELL >$LIST
	[ -x $DEBIAN/root/usr/bin/mkfs.erofs ] || fail "there is no mkfs.erofs"
}

make() { # DEVICE MKFS-OPTIONS...
	_dev=$1
	shift
	umount_all
	zap "$_dev"
	in_debian mkfs.erofs --quiet "$@" "$_dev" $SOURCE
}

# same_tree: compare the files by reading, executing and mapping them
same_tree() {
	daxexer verify $LIST --only $CELL
	$CELL/program check $SOURCE/large --len 6M --seed 5
	# shellcheck disable=SC2086 # words
	run_fio --readonly $JOB --ioengine=mmap --rw=read
}

# image dax|compressed|partly MOUNT-OPTIONS MKFS-OPTIONS...
image() {
	local dax=$1 options=dax=always$2
	shift 2
	make /dev/pmem0 "$@"
	for _round in 1 2; do
		mkdir -p $CELL
		mount -t erofs -o "$options" /dev/pmem0 $CELL
		case $dax in
		dax) daxexer isdax $CELL/large && daxexer isdax $CELL/program ;;
		compressed) refused daxexer isdax $CELL/text ;;
		partly) daxexer isdax $CELL/large && refused daxexer isdax $CELL/tree/0/0/file.0 ;;
		esac
		same_tree
		umount $CELL
		[ $_round = 2 ] || renew_disks pmem0 pmem1
	done
}

never() { # -o dax=never is effective
	make /dev/pmem0 -E noinline_data
	mount -t erofs -o dax=never /dev/pmem0 $CELL
	refused daxexer isdax $CELL/large
	same_tree
	umount $CELL
}

small_blocks() {
	make /dev/pmem0 -b 512
	log_mark
	mount -t erofs -o dax=always /dev/pmem0 $CELL
	log_says "unsupported blocksize for DAX"
	refused daxexer isdax $CELL/large
	same_tree
	umount $CELL
}

second_without_dax() { # if the second device has no DAX, neither device is mapped
	truncate -s 64M /tmp/blobs
	losetup /dev/loop0 /tmp/blobs
	make /dev/pmem0 --chunksize=4096 --blobdev=/dev/loop0
	log_mark
	mount -t erofs -o dax=always,device=/dev/loop0 /dev/pmem0 $CELL
	log_says "DAX unsupported by /dev/loop0. Turning off DAX"
	refused daxexer isdax $CELL/large
	same_tree
	umount $CELL
	losetup -d /dev/loop0
	rm /tmp/blobs
}

at_end clean_erofs
clean_erofs() { umount_all; umount_debian; clean_stack; }

fresh_stack pmem0 pmem1
modprobe -q erofs || :
modprobe -q loop || :
grep -qw erofs /proc/filesystems || { plan 1; it "erofs" skip "no erofs in this kernel"; finish; }
mount_debian
it "a tree, and what to expect of it" source_tree
it "stored as it is: DAX" image dax "" -E noinline_data
it "ends of files in the inodes' blocks: the others have DAX" image partly ""
it "compressed: no DAX" image compressed "" -z lz4
it "two devices: DAX of both" image dax ,device=/dev/pmem1 --chunksize=4096 --blobdev=/dev/pmem1
it "two devices, one without DAX: none" second_without_dax
it "blocks of 512 bytes: no DAX" small_blocks
it "dax=never" never
finish
