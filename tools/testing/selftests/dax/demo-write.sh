# SPDX-License-Identifier: GPL-2.0
# First half of the demo: ext4 and xfs on two pmem devices, real I/O, manifest.
# boot: demo
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# timeout: 180
# shellcheck shell=dash

. ./demo-lib.sh

use_fs() { # FSTYPE DISK SEED
	_fs=$1 _dev=/dev/$2 _dir=$MNT/$1
	step "$_fs: mkfs on $_dev, mount -o dax, check /proc/mounts and statx"
	try mkfs_on "$_fs" "$_dev"
	mount_dax "$_fs" "$_dev" "$_dir"
	rm "$_dir/.dax"
	grep " $_dir " /proc/mounts | detail
	step "$_fs: pwrite, pread, readv, writev, mmap + msync, MAP_SYNC, fallocate, truncate"
	mkdir "$_dir/io"
	try daxexer io "$_dir/io" --seed "$3" --files 3 --ops 300 --size 3M
	step "$_fs: sizes 0-300 at every alignment of the offset, guard bytes around"
	try daxexer align "$_dir" --step 7
	step "$_fs: user buffers that cannot be read or written to their end"
	try daxexer fault "$_dir"
	step "$_fs: large files, one by pwrite, one by O_DSYNC, one by mmap"
	try daxexer fill "$_dir/large.pwrite" --len 32M --seed "$3"
	try daxexer fill "$_dir/large.dsync" --len 8M --seed "$3" --how dsync --chunk 40000
	try daxexer fill "$_dir/large.mmap" --len 32M --seed "$3" --how mmap
	for _f in pwrite dsync mmap; do
		_len=32M; [ $_f = dsync ] && _len=8M
		try daxexer check "$_dir/large.$_f" --len $_len --seed "$3"
	done
	step "$_fs: a file tree copied in"
	try cp -a /tmp/tree "$_dir/tree"
	daxexer manifest /tmp/tree --as "$_dir/tree" >/tmp/tree.manifest || exit 1
	try daxexer verify /tmp/tree.manifest --only "$_dir/tree"
}

demo_disks
step "a tree of 300 files in RAM"
mkdir /tmp/tree
try daxexer tree /tmp/tree --seed 42 --files 300
use_fs ext4 pmem0 1000
use_fs xfs pmem1 2000

step "manifest: size and checksum of every file"
for fs in ext4 xfs; do
	daxexer manifest $MNT/$fs >/tmp/$fs.manifest || exit 1
	tail -n 1 /tmp/$fs.manifest | sed "s/^end/$fs:/" | detail
done
# Store the manifests of both filesystems on each of them.
for fs in ext4 xfs; do
	mkdir $MNT/$fs/MANIFEST
	try cp /tmp/ext4.manifest /tmp/xfs.manifest $MNT/$fs/MANIFEST/
done
step "sync, umount"
sync
try umount $MNT/ext4
try umount $MNT/xfs
echo "demo-write: done in $(($(cut -d. -f1 /proc/uptime) - STARTED)) s"
