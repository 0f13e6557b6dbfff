#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# ext4: long random sequences of operations, compared with a copy in memory.
# boot: fsx
# disks: 768M
# cmdline: memmap=768M!1G
# mem: 2G
# timeout: 180
# crate: fsx
# allow fsdax=c: WARNING: .*fs/dax.c.* at dax_disassociate_entry
# allow fsdax=c: cut here
# allow fsdax=c: Call Trace:
# shellcheck shell=dash
. ./ktap.sh
. ./fsx-lib.sh

exercise_fs ext4
