#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# ext4: random programs of several threads, with poison and removal of the device.
# about: fsdax
# program: daxfuzz
# boot: fuzz
# disks: 256M
# cmdline: memmap=256M!1G
# mem: 2G
# timeout: 300
# allow: (EXT4-fs|JBD2|XFS|Buffer I/O|Aborting journal|Remounting filesystem read-only|I/O error).*(pmem0|namespace)
# allow: pmem0.*(I/O [eE]rror|log I/O error|Filesystem has been shut down|metadata I/O)
# allow: (Please unmount the filesystem and rectify|previous I/O error to superblock)
# shellcheck shell=dash
. ./ktap.sh
. ./fuzz-lib.sh

plan 3
no_fuzz_of_c
fresh_stack
fuzz_on ext4 2 250
finish
