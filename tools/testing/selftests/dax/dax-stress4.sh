#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Threads fault, write, sync, punch, truncate and reference pages at once, on 4 CPUs.
# boot: stress4
# disks: 256M 256M 128M
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M
# mem: 2G
# smp: 4
# tier: full
# timeout: 300
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh
. ./stress-lib.sh

stress_all
