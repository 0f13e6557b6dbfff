#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# ndctl's own tests of DAX: filesystems, mmap, device-dax (Debian's source package, meson suite "dax").
# boot: ndctl-suite-dax
# tier: full
# lanes: ctwin stock
# suite: ndctl
# root: yes
# mem: 8G
# the DIMM: 6 GiB and its label area
# cxl_test puts devices on two nodes
# cmdline: memmap=3G!6G bdev_allow_write_mounted=1 numa=fake=2
# qemu: -object memory-backend-ram,id=nv0,size=6291584K -device nvdimm,id=n0,memdev=nv0,label-size=128K
# timeout: 3600
# shellcheck shell=dash
. ./ktap.sh
. ./ndctl-suite-lib.sh

ndctl_suite dax
