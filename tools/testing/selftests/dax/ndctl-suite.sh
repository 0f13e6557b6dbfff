#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# ndctl's own tests of namespaces, labels, BTT, poison, security (Debian's source package, meson suite "ndctl").
# boot: ndctl-suite-ndctl
# tier: full
# lanes: ctwin stock
# suite: ndctl
# root: yes
# mem: 8G
# the DIMM: 6 GiB and its label area
# cmdline: memmap=3G!6G bdev_allow_write_mounted=1 hugepagesz=1G hugepages=2
# qemu: -object memory-backend-ram,id=nv0,size=6291584K -device nvdimm,id=n0,memdev=nv0,label-size=128K
# timeout: 3600
# shellcheck shell=dash
. ./ktap.sh
. ./ndctl-suite-lib.sh

ndctl_suite ndctl
