#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Images of power cuts of a guest with two CPUs, which take turns: the random operations change their CPU each
# time, so that one CPU syncs what the other one stored, and locked instructions order both.
# boot: crash-smp
# cmdline: memmap=64M!1G memmap=64M!1280M norandmaps
# mem: 2G
# smp: 2
# exact: yes
# watch: smp,watch=markers
# crate: persist-crash
# tier: full
# timeout: 480
# shellcheck shell=dash
. ./ktap.sh
. ./crash-lib.sh

plan 5
load_stack
need_disk pmem0
need_disk pmem1
two_cpus() { want "CPUs" "$(grep -c ^processor /proc/cpuinfo)" 2; }
it "two CPUs" two_cpus
for fs in ext4 xfs; do
	it "$fs: what was synced survives 30 power cuts" power_cuts $fs 31 120 30
	it "$fs: power cuts show that nothing is written back" without_write_cache $fs 33 60 10
done
finish
