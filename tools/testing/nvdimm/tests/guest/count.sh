# SPDX-License-Identifier: GPL-2.0
# Instructions per operation, for the tool "count". No test: it prints figures.
# cmdline: memmap=512M!1G nokaslr norandmaps
# mem: 2G
# exact: yes
# timeout: 300
# shellcheck shell=dash
. ./stack.sh

set -e
load_stack
need_disk pmem0
for fs in ext4 xfs; do
	case $fs in
	# so that 2 MiB of a file are 2 MiB of the device
	ext4) mkfs.ext4 -q -F -b 4096 -E stride=512,stripe_width=512 /dev/pmem0 ;;
	xfs) mkfs.xfs -q -f -m $XFS_META -d su=2m,sw=1 /dev/pmem0 ;;
	esac
	mount_dax $fs /dev/pmem0 $MNT/$fs
	# one that is not printed: caches of the kernel fill
	daxexer count $MNT/$fs >/dev/null
	daxexer count $MNT/$fs | sed "s/^count/count $fs/"
	umount $MNT/$fs
	zap /dev/pmem0
done
