#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The block device: direct I/O, flushes, accounting, attributes, read-only.
# boot: main
# disks: 384M
# cmdline: memmap=384M!1G memmap=384M!1472M
# mem: 2G
# timeout: 60
# shellcheck shell=dash
. ./ktap.sh

plan 11

odd_segments() {
	daxexer raw /dev/$DISK0 --off 512 --len 4M --ops 300 --seed 1
	daxexer raw /dev/$DISK0 --off 1048576 --len 1M --ops 300 --seed 2
}

fio_verify() {
	fio --name=v --filename=/dev/$DISK0 --direct=1 --rw=randwrite --bsrange=512-64k \
		--size=8M --ioengine=psync --verify=crc32c --do_verify=1 --numjobs=1 --output=/tmp/fio
	grep -q 'err= 0' /tmp/fio || { cat /tmp/fio; fail "fio verify"; }
}

flushes() { # fsync sends a PREFLUSH without data, O_DSYNC sends FUA or a flush
	daxexer fill /dev/$DISK0 --len 1M --seed 1 --how dsync
	daxexer check /dev/$DISK0 --len 1M --seed 1 --how direct
	want "sync write" "$(daxexer write /dev/$DISK0 --direct 1 --sync 1 --len 8192)" 8192
	blockdev --flushbufs /dev/$DISK0
}

# counters: print reads, sectors read, writes, sectors written from /sys/block/$DISK0/stat
counters() { awk '{ print $1, $3, $5, $7 }' /sys/block/$DISK0/stat; }
accounting() {
	echo 1 >$Q/iostats
	# shellcheck disable=SC2046 # words
	set -- $(counters)
	for _i in 1 2 3 4 5; do
		daxexer read /dev/$DISK0 --direct 1 --len 8192
		daxexer write /dev/$DISK0 --direct 1 --len 4096
	done >/dev/null
	# shellcheck disable=SC2046 # words
	set -- "$1" "$2" "$3" "$4" $(counters)
	want "reads" $(($5 - $1)) 5
	want "sectors read" $(($6 - $2)) 80
	want "writes" $(($7 - $3)) 5
	want "sectors written" $(($8 - $4)) 40
	want "in flight" "$(awk '{ print $1 + $2 }' /sys/block/$DISK0/inflight)" 0
}

no_accounting() {
	echo 0 >$Q/iostats
	_before=$(counters)
	daxexer read /dev/$DISK0 --direct 1 >/dev/null
	daxexer write /dev/$DISK0 --direct 1 >/dev/null
	want "counters" "$(counters)" "$_before"
	echo 1 >$Q/iostats
}

# A flush moves no data: it is no write of the statistics.
flush_accounting() {
	echo 1 >$Q/iostats
	_before=$(awk '{ print $5 }' /sys/block/$DISK0/stat)
	for _i in 1 2 3 4 5; do dd if=/dev/null of=/dev/$DISK0 conv=notrunc,fsync; done
	want "writes after flushes" "$(awk '{ print $5 }' /sys/block/$DISK0/stat)" "$_before"
}

attributes() {
	want logical_block_size "$(cat $Q/logical_block_size)" 512
	want physical_block_size "$(cat $Q/physical_block_size)" 4096
	want dax "$(cat $Q/dax)" 1
	want rotational "$(cat $Q/rotational)" 0
	want write_cache "$(cat $Q/write_cache)" "write back"
	want stable_writes "$(cat $Q/stable_writes)" 0
	! owns_machine || want size "$(bytes_of $DISK0)" $((384 << 20))
	want "dax/write_cache" "$(cat /sys/block/$DISK0/dax/write_cache)" 1
	want "badblocks" "$(cat /sys/block/$DISK0/badblocks)" ""
}

write_cache() { # the write cache can be switched under a mounted filesystem; I/O works either way
	_wc=/sys/block/$DISK0/dax/write_cache
	mkfs_on ext4 /dev/$DISK0
	mount_dax ext4 /dev/$DISK0 $MNT/ext4
	for _v in 0 1 n y off on; do
		echo $_v >$_wc
		case $_v in 0 | n | off) _e=0 ;; *) _e=1 ;; esac
		want "write_cache after $_v" "$(cat $_wc)" $_e
		daxexer fill $MNT/ext4/f --len 1M --seed 5 --how mmap
		daxexer check $MNT/ext4/f --len 1M --seed 5
	done
	refused sh -c "echo perhaps >$_wc"
	want "write_cache after nonsense" "$(cat $_wc)" 1
	umount $MNT/ext4
}

# a revalidation event makes the disk read-only if its region is
read_only() {
	needs_machine
	_r=/sys/bus/nd/devices/region0/read_only
	want "ro" "$(cat /sys/block/$DISK0/ro)" 0
	daxexer fill /dev/$DISK0 --len 64K --seed 9
	echo 1 >$_r
	want "ro after read_only=1" "$(cat /sys/block/$DISK0/ro)" 1
	refused daxexer fill /dev/$DISK0 --len 64K --seed 10
	daxexer notify /sys/block/$DISK0/badblocks 0 true && fail "unexpected notification"
	dd if=/dev/$DISK0 of=/tmp/ro bs=64k count=1 iflag=direct 2>/dev/null
	daxexer check /tmp/ro --len 64K --seed 9
	# a driver that binds to a read-only region makes a read-only disk
	_ns=$(namespace_of $DISK0)
	unbind "$_ns"; bind "$_ns"; need_disk $DISK0
	want "ro after a rebind" "$(cat /sys/block/$DISK0/ro)" 1
	echo 0 >$_r
	want "ro after read_only=0" "$(cat /sys/block/$DISK0/ro)" 0
	daxexer fill /dev/$DISK0 --len 64K --seed 10
	daxexer check /dev/$DISK0 --len 64K --seed 10 --how direct
}

discard() { # the disk offers no discard: the request must fail and leave the data unchanged
	daxexer fill /dev/$DISK0 --len 64K --seed 11
	refused blkdiscard -o 0 -l 65536 /dev/$DISK0
	daxexer check /dev/$DISK0 --len 64K --seed 11 --how direct
}

concurrent() { # two writers and two readers on different parts
	_pids=
	for _j in 1 2 3 4; do
		daxexer raw /dev/$DISK0 --off $((_j * 16))M --len 2M --ops 150 --seed $_j &
		_pids="$_pids $!"
	done
	for _p in $_pids; do wait "$_p"; done
}

fresh_stack
Q=/sys/block/$DISK0/queue
it "attributes of the disk" attributes
it "direct I/O with odd segments against a model" odd_segments
it "fio: random sizes from 512 bytes, verified" fio_verify
it "fsync, O_DSYNC" flushes
it "I/O accounting counts every transfer" accounting
it "and none when iostats is off" no_accounting
it "dax/write_cache is read, set, and protected from nonsense" write_cache
it "region read_only makes the disk read-only and back" read_only
it "discard is refused" discard
it "four programs at once" concurrent
it "a flush without data is not accounted" flush_accounting
finish
