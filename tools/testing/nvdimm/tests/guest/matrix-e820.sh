# SPDX-License-Identifier: GPL-2.0
# The matrix, e820: what of its namespaces and uses namespace.sh leaves out.
# boot: matrix
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# root: yes
# tier: full
# timeout: 240
# shellcheck shell=dash
. ./ktap.sh
. ./matrix-lib.sh

plan 8

fresh_stack pmem0 pmem1
echo namespace0.0 >$NS
it "raw: xfs" ns_cell raw xfs dax
it "sector: xfs" ns_cell sector xfs nodax
it "fsdax, map in memory: xfs" ns_cell fsdax/mem xfs dax
it "fsdax, map in memory: ext4" ns_cell fsdax/mem ext4 dax
it "fsdax, map on the device: xfs" ns_cell fsdax/dev xfs dax
it "devdax" devdax
it "devdax as memory" kmem
it "raw again: ext4" ns_cell raw ext4 dax
finish
