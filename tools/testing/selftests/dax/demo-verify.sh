# SPDX-License-Identifier: GPL-2.0
# Second half of the demo, after a power cycle over the same memory.
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# timeout: 120
# shellcheck shell=dash

. ./demo-lib.sh

demo_disks
step "fsck of both filesystems, read-only"
quietly check_fs ext4 /dev/pmem0
quietly check_fs xfs /dev/pmem1
step "mount -o dax"
mount_dax ext4 /dev/pmem0 $MNT/ext4
mount_dax xfs /dev/pmem1 $MNT/xfs
rm $MNT/ext4/.dax $MNT/xfs/.dax
for fs in ext4 xfs; do
	try cmp $MNT/ext4/MANIFEST/$fs.manifest $MNT/xfs/MANIFEST/$fs.manifest
	step "$fs: every byte of every file"
	try daxexer verify $MNT/$fs/MANIFEST/$fs.manifest --only $MNT/$fs
done
step "the large files through mappings, against the pattern they were made of"
for how in pwrite mmap; do
	try daxexer check $MNT/ext4/large.$how --len 32M --seed 1000 --how mmap
	try daxexer check $MNT/xfs/large.$how --len 32M --seed 2000 --how mmap
done
try umount $MNT/ext4
try umount $MNT/xfs
echo "demo-verify: every byte is as it was written, $(($(cut -d. -f1 /proc/uptime) - STARTED)) s"
