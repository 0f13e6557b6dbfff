# SPDX-License-Identifier: GPL-2.0
# The scenarios of persist.sh on two CPUs, where another CPU's journal may fence by a locked
# instruction.
# boot: persist-smp
# cmdline: memmap=256M!1G memmap=256M!1280M norandmaps
# mem: 2G
# smp: 2
# watch: smp
# crate: persist-scenarios
# tier: full
# timeout: 240
# shellcheck shell=dash
. ./ktap.sh
. ./persist-lib.sh

plan $((2 * COUNT))
load_stack
need_disk pmem0
for fs in ext4 xfs; do
	fresh $fs
	all_durable $fs
	umount $MNT/$fs
	zap /dev/pmem0
done
finish
