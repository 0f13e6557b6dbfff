#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A handful of images that power cuts could have left. Then a step that makes data durable is left out,
# and images must lack data.
# boot: crash
# cmdline: memmap=64M!1G memmap=64M!1280M norandmaps
# mem: 2G
# exact: yes
# watch: strict,watch=markers
# crate: persist-crash
# timeout: 120
# shellcheck shell=dash
. ./ktap.sh
. ./crash-lib.sh

plan 6
load_stack
need_disk pmem0
need_disk pmem1
for fs in ext4 xfs; do
	it "$fs: what was synced survives 20 power cuts" power_cuts $fs 1 60 20
	it "$fs: power cuts show that nothing is written back" without_write_cache $fs 2 60 20
done
it "ext4: power cuts show that there are no barriers" lost ext4 3 60 20 barrier=0
it "xfs: stores with MAP_SYNC to shared blocks survive power cuts" shared_blocks
finish
