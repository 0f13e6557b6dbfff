#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Foreign and damaged info blocks: the probe fails or makes a raw disk, and changes no byte.
# boot: main
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# timeout: 90
# shellcheck shell=dash
. ./ktap.sh

plan 11

NS=namespace0.0
nsdir=/sys/bus/nd/devices/$NS

# Bind the whole namespace as a raw disk, info block included.
raw_disk() {
	[ "$(cat $nsdir/force_raw)" = 0 ] || [ ! -e /sys/block/pmem0 ] || return 0
	ndctl disable-namespace $NS >/dev/null
	echo 1 >$nsdir/force_raw
	bind $NS
	need_disk pmem0
}
probe_again() { # status 0 if the probe made a disk or a BTT
	unbind $NS 2>/dev/null
	echo 0 >$nsdir/force_raw
	log_mark
	ndctl enable-namespace $NS
	settle
	usleep 200000
}

# image FILE: save the info blocks and the data behind them, which a wrong probe could overwrite
image() { dd if=/dev/pmem0 of="$1" bs=64k count=128 iflag=direct 2>/dev/null; }

save() { # after a mode change: save the info block
	raw_disk
	dd if=/dev/pmem0 of=/tmp/info bs=4096 skip=1 count=1 iflag=direct 2>/dev/null
}
restore() { dd if=/tmp/info of=/dev/pmem0 bs=4096 seek=1 count=1 oflag=direct 2>/dev/null; }

pfn() {
	ndctl create-namespace -f -e $NS -m fsdax -M dev >/dev/null
	settle
	need_disk pmem0
	mkfs_on ext4 /dev/pmem0
	mount_dax ext4 /dev/pmem0 $MNT/ext4
	daxexer fill $MNT/ext4/data --len 8M --seed 41
	umount $MNT/ext4
	bytes_of pmem0 >/tmp/size
	save
}

# damaged OUTCOME [MESSAGE] -- FORGE-ARGUMENTS...
# OUTCOME: raw (treated as a raw namespace) or refused (no disk)
damaged() {
	_outcome=$1 _message=$2; shift 3
	trap 'raw_disk; restore' EXIT # also if the test fails
	daxexer forge /dev/pmem0 "$@"
	image /tmp/image.before
	(set +e; probe_again; :)
	case $_outcome in
	raw)
		need_disk pmem0
		want "size" "$(bytes_of pmem0)" $((384 << 20)) ;;
	refused)
		[ ! -e /sys/block/pmem0 ] || fail "there is a disk" ;;
	esac
	[ -z "$_message" ] || dmesg | tail -n 20 | grep -E "$_message" || fail "no message: $_message"
	raw_disk
	image /tmp/image.after
	cmp /tmp/image.before /tmp/image.after
}

intact() { # with the original info block the namespace has its data again
	probe_again
	need_disk pmem0
	want "size" "$(bytes_of pmem0)" "$(cat /tmp/size)"
	mount_dax ext4 /dev/pmem0 $MNT/ext4
	daxexer check $MNT/ext4/data --len 8M --seed 41
	umount $MNT/ext4
	check_fs ext4 /dev/pmem0
}

# offsets of fields: struct nd_pfn_sb
UUID=16 PARENT=32 MAJOR=52 MINOR=54 DATAOFF=56 MODE=72 ALIGN=84 STRUCT=92

foreign() { # unrelated data at the place of an info block
	unbind $NS 2>/dev/null || ndctl disable-namespace $NS
	raw_disk
	daxexer fill /dev/pmem0 --len 1M --seed 50 --how direct
	image /tmp/image.before
	probe_again
	need_disk pmem0
	image /tmp/image.after
	cmp /tmp/image.before /tmp/image.after
	daxexer check /dev/pmem0 --len 1M --seed 50
}

btt() {
	ndctl create-namespace -f -e $NS -m sector -l 4096 >/dev/null
	settle
	need_disk pmem0s
	daxexer fill /dev/pmem0s --len 2M --seed 42 --how direct
	save
	daxexer forge /dev/pmem0 --field 100 --bytes ff --sum keep
	image /tmp/image.before
	(set +e; probe_again; :)
	[ ! -e /sys/block/pmem0s ] || fail "a BTT came of a damaged info block"
	raw_disk
	image /tmp/image.after
	cmp /tmp/image.before /tmp/image.after
	restore
	probe_again
	need_disk pmem0s
	daxexer check /dev/pmem0s --len 2M --seed 42 --how direct
}

fresh_stack pmem0
it "an fsdax namespace with its info block on the device" pfn
it "wrong checksum: raw" damaged raw "" -- --field $UUID --bytes ffff --sum keep
it "another namespace's: raw" damaged raw "" -- --field $PARENT --bytes 0102030405060708
it "unknown mode: raw" damaged raw "" -- --field $MODE --bytes 63000000
it "data beyond the end: refused" damaged refused "pfn array size exceeds capacity" -- --field $DATAOFF --bytes 0000000001000000
it "misaligned data: refused" damaged refused "bad offset" -- --field $DATAOFF --bytes 0008100000000000
it "page structs of another size: refused" damaged refused "struct page size mismatch" -- --field $STRUCT --bytes 2000
it "alignment larger than the namespace: refused" damaged refused "exceeds capacity" -- --field $ALIGN --bytes 00000040
it "with its right info block all is back" intact
it "foreign bytes: raw disk, nothing changed" foreign
it "BTT with a wrong checksum: nothing changed, and back" btt
finish
