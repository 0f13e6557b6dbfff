#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The matrix, LVM: linear and striped volumes over two devices.
# boot: matrix
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# root: yes
# lanes: ctwin stock
# tier: full
# timeout: 240
# shellcheck shell=dash
. ./ktap.sh
. ./debian.sh
. ./matrix-lib.sh

plan 5

leave() {
	command dmsetup remove -f vg-linear vg-striped 2>/dev/null
	clean_stack
}
at_end leave

CONFIG='devices { use_devicesfile=0 obtain_device_list_from_udev=0 external_device_info_source="none" }
activation { udev_sync=0 udev_rules=0 } backup { backup=0 archive=0 }'
lvm() { # COMMAND ARGS...: run it without waiting for udev, which the guest lacks
	_command=$1
	shift
	in_debian "$_command" --config "$CONFIG" "$@"
}

volumes() {
	lvm pvcreate -y --dataalignment 2m /dev/pmem0 /dev/pmem1
	lvm vgcreate -s 4m vg /dev/pmem0 /dev/pmem1
	lvm lvcreate -y -Z n -W n -i 2 -I 2m -L 320m -n striped vg
	# larger than the free space of one device
	lvm lvcreate -y -Z n -W n -L 400m -n linear vg
	dmsetup table
	want "segments" "$(dmsetup table vg-linear | grep -c linear)" 2
	dmsetup table vg-striped | grep -q ' striped 2 4096 ' || fail "no stripe of 2 MiB"
}
again() {
	lvm vgchange -an vg
	none_of /dev/mapper/vg-*
	lvm vgchange -ay vg
}

fresh_stack pmem0 pmem1
modprobe -q dm_mod || :
mount_debian
if [ -x $DEBIAN/root/usr/sbin/lvcreate ]; then
	it "two volumes over two devices" volumes
	for volume in linear striped; do
		for fs in ext4 xfs; do
			it "$volume: $fs" cell $fs /dev/mapper/vg-$volume dax again
		done
	done
	lvm vgchange -an vg >/dev/null 2>&1
fi
umount_debian
finish
