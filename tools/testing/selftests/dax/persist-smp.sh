#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The scenarios of persist.sh on two CPUs, where the journal on the other CPU may fence by a locked
# instruction.
# boot: persist-smp
# cmdline: memmap=256M!1G memmap=256M!1280M norandmaps
# mem: 2G
# smp: 2
# watch: smp
# crate: persist-scenarios
# tier: full
# timeout: 300
# shellcheck shell=dash
. ./ktap.sh
. ./persist-lib.sh

plan $((2 * ($(scenarios dax) + $(scenarios any)) + $(scenarios device)))
load_stack
need_disk pmem0
quiet
for fs in ext4 xfs; do
	fresh $fs
	all_durable $fs dax $MNT/$fs
	all_durable $fs any $MNT/$fs
	umount $MNT/$fs
	zap /dev/pmem0
done
all_durable device device /dev/pmem0
finish
