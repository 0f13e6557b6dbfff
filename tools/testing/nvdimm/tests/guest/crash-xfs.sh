# SPDX-License-Identifier: GPL-2.0
# Hundreds of power cuts of xfs; crash.sh has a handful.
# boot: crash-xfs
# cmdline: memmap=64M!1G memmap=64M!1280M norandmaps
# mem: 2G
# exact: yes
# watch: strict,watch=markers
# crate: persist-crash
# tier: full
# timeout: 240
# shellcheck shell=dash
. ./ktap.sh
. ./crash-lib.sh

plan 4
load_stack
need_disk pmem0
need_disk pmem1
for seed in 11 12 13 14; do
	it "xfs: what was synced survives 50 power cuts, seed $seed" power_cuts xfs $seed 120 50
done
finish
