#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# virtio-pmem: the host has to flush the device, so DAX is not synchronous.
# boot: virtio
# mem: 2G
# qemu: -object memory-backend-ram,id=vp0,size=256M,share=on -device virtio-pmem-pci,memdev=vp0,id=vp0
# timeout: 40
# shellcheck shell=dash
. ./ktap.sh
. ./provider-lib.sh

plan 4

start() {
	load_providers
	need_disk pmem0
	want size "$(bytes_of pmem0)" $((256 << 20))
}
here() { [ -e /sys/block/pmem0 ] || skip "there is no disk"; }

flushes() { # the driver sends FLUSH and FUA to the host, asynchronously
	here
	want "write cache of the queue" "$(cat /sys/block/pmem0/queue/write_cache)" "write back"
	daxexer write /dev/pmem0 --direct 1 --sync 1
	daxexer fill /dev/pmem0 --len 1M --how dsync --chunk 64K
	daxexer check /dev/pmem0 --len 1M --how direct
	daxexer raw /dev/pmem0 --ops 100
}
fs() {
	here
	mkfs_on ext4 /dev/pmem0
	mount_dax ext4 /dev/pmem0 $MNT/ext4
	daxexer fill $MNT/ext4/f --len 4M --seed 5 --how mmap
	daxexer check $MNT/ext4/f --len 4M --seed 5
	daxexer align $MNT/ext4 --step 31
}
not_synchronous() { # the filesystem refuses MAP_SYNC
	here
	refused_for "Operation not supported" daxexer fill $MNT/ext4/f --len 1M --how mapsync
	umount $MNT/ext4
}

provided_by nd_virtio virtio_pmem
it "a virtio-pmem disk" start
it "flush and FUA" flushes
it "ext4 -o dax" fs
it "MAP_SYNC is refused" not_synchronous
finish
