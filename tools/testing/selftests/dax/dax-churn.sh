#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Faults of both sizes against page tables that come and go: the kernel has nothing to report.
# boot: dax
# disks: 256M 256M
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# lanes: fsdax
# timeout: 120
# allow fsdax=c: WARNING: .* at (insert_pmd|insert_page_into_pte_locked)[.a-z0-9]*\+
# allow fsdax=c: cut here
# allow fsdax=c: Call Trace:
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 2

OPS=${OPS:-8000}

# Faults that ended with VM_FAULT_OOM, which nothing asks for here. The kernel says so and tries again.
oom_faults() { dmesg | grep -c 'VM_FAULT_OOM leaked' || :; }

churn() { # NAME
	_before=$(oom_faults)
	daxexer churn "$MNT/$1/churn" --ops "$OPS"
	want "faults without memory" "$(oom_faults)" "$_before"
}

with ext4 xfs
on "ext4 xfs" "threads, and page tables that come and go" churn
finish
