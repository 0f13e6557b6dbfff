# SPDX-License-Identifier: GPL-2.0
# Run operations whose cost the checker counts. The script "count" reads the checker's report; this
# script prints nothing.
# cmdline: memmap=256M!1G norandmaps
# mem: 2G
# exact: yes
# watch: strict
# crate: persist-scenarios
# timeout: 300
# shellcheck shell=dash
. ./stack.sh
. ./persist-lib.sh

set -e
load_stack
need_disk pmem0
persist-scenarios count pmem /dev/pmem0
for fs in ext4 xfs; do
	fresh $fs
	persist-scenarios count $fs $MNT/$fs
	umount $MNT/$fs
	zap /dev/pmem0
done
