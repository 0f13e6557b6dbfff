#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Threads go through new files at the same time, for some minutes: see dax-fresh.sh.
# disks: 256M 256M 128M 128M
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# timeout: 1800
# tier: full
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh
. ./fresh-lib.sh

plan 40
LEN=2M

with ext4 xfs
for _n in ext4 xfs; do
	together $_n 10 unwritten 0 4K
	together $_n 10 holes 0 4K
done
finish
