#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The matrix, virtio-pmem: every mode of its namespace except sector, because nd_btt holds a spinlock
# while it flushes the device, and this device's flush sleeps.
# boot: matrix-virtio
# cmdline: memmap=384M!1G
# mem: 2G
# qemu: -object memory-backend-ram,id=vp0,size=384M,share=on -device virtio-pmem-pci,memdev=vp0,id=vp0
# lanes: ctwin stock
# tier: full
# timeout: 240
# shellcheck shell=dash
. ./ktap.sh
. ./provider-lib.sh
. ./matrix-lib.sh

plan 9

start() {
	load_providers
	need_disk pmem0
	namespace_of pmem0 >$NS
}

provided_by nd_virtio virtio_pmem
it "a virtio-pmem disk" start
ns_cells "" raw:async fsdax/mem:async fsdax/dev:async
finish
