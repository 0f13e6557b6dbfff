#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Hundreds of images of power cuts; crash.sh makes a handful.
# boot: crash-many
# cmdline: memmap=64M!1G memmap=64M!1280M norandmaps
# mem: 2G
# exact: yes
# watch: strict,watch=markers
# crate: persist-crash
# tier: full
# timeout: 480
# shellcheck shell=dash
. ./ktap.sh
. ./crash-lib.sh

plan 8
load_stack
need_disk pmem0
need_disk pmem1
for fs in ext4 xfs; do
	for seed in 11 12 13 14; do
		it "$fs: what was synced survives 50 power cuts, seed $seed" power_cuts $fs $seed 120 50
	done
done
finish
