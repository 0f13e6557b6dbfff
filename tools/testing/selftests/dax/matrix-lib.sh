# SPDX-License-Identifier: GPL-2.0
# For matrix-*.sh. A cell of the matrix is a filesystem on a device. Its test makes, uses
# and unmounts it, unbinds and binds the device, mounts it again and compares the files.
# shellcheck shell=dash
#
#	. ./ktap.sh
#	. ./matrix-lib.sh
#	it "..." cell ext4 /dev/pmem0 dax AGAIN...
#
# A script has a table of its cells, one a line.

export DM_DISABLE_UDEV=1
CELL=$MNT/cell

# run_fio ARGS...: run fio, which reads back and verifies its writes
run_fio() {
	fio --output=/tmp/fio --thread --verify=crc32c --verify_fatal=1 "$@" ||
		{ grep -E 'err=|verify|fio:' /tmp/fio; fail "fio finds other bytes than it wrote"; }
}

# three_engines DIR: random sizes by system calls, by mappings, and by asynchronous I/O
three_engines() {
	run_fio --directory="$1" --rw=randwrite --bsrange=4k-32k --size=1M --do_verify=1 \
		--name=psync --ioengine=psync --bsrange=512-32k \
		--name=mmap --ioengine=mmap --fsync=16 \
		--name=libaio --ioengine=libaio --iodepth=4 --direct=1
}

# clean up after a test that failed
leave_nothing() {
	umount_all
	remove_dm
}

# use DIR dax|async|nodax: make the files of a cell
use() {
	if [ "$2" = dax ]; then # daxexer maps with MAP_SYNC
		daxexer io "$1" --files 1 --ops 120 --size 2M --seed 31
	else
		refused_for "Operation not supported" daxexer fill "$1/mapsync" --how mapsync --len 4096
		rm -f "$1/mapsync"
		daxexer align "$1" --step 61
	fi
	daxexer fill "$1/mapped" --len 3M --seed 6 --how mmap
	daxexer check "$1/mapped" --len 3M --seed 6
	daxexer tree "$1/tree" --files 12
	three_engines "$1"
}

# remember DIR: record the files and unmount the filesystem. compare DIR: after a mount, it has the same
# files with the same bytes; unmount it.
remember() {
	daxexer manifest "$1" >/tmp/manifest
	umount "$1"
}
compare() {
	daxexer verify /tmp/manifest --only "$1"
	umount "$1"
}

# first_sector FILE: print the device's sector of byte 0
first_sector() { xfs_io -r -c fiemap "$1" | sed -n 's/.*: \[0\.\.[0-9]*\]: \([0-9]*\)\.\..*/\1/p' | head -n 1; }

# renew_disks DISK...: unbind and bind the namespace of each
renew_disks() {
	for _d; do
		_ns=$(namespace_of "$_d")
		unbind "$_ns"
		bind "$_ns"
		need_disk "$_d"
	done
}

# plain_mount FSTYPE DEV DIR: with -o dax=always the filesystem logs that it has no DAX: ext4 refuses
# the mount, xfs mounts without. Then mount it without the option.
plain_mount() {
	mkdir -p "$3"
	log_mark
	if mount -t "$1" -o dax=always "$2" "$3"; then
		[ "$1" != ext4 ] || fail "ext4 is mounted with -o dax=always"
		touch "$3/.dax"
		refused daxexer isdax "$3/.dax"
		umount "$3"
	fi
	log_says "DAX unsupported by block device" || fail "the kernel logged no message about DAX"
	mount -t "$1" "$2" "$3"
}

# cell_mount FSTYPE DEV dax|async|nodax: mount it at $CELL
cell_mount() {
	case $3 in
	dax | async) mount_dax "$1" "$2" $CELL ;;
	nodax) plain_mount "$1" "$2" $CELL ;;
	esac
}

# cell FSTYPE DEV dax|async|nodax AGAIN...: test a cell. async is DAX without MAP_SYNC; the command AGAIN
# unbinds and binds the device.
cell() {
	local fs=$1 dev=$2 dax=$3
	shift 3
	umount_all
	mkfs_on "$fs" "$dev"
	cell_mount "$fs" "$dev" "$dax"
	use $CELL "$dax"
	remember $CELL
	"$@"
	cell_mount "$fs" "$dev" "$dax"
	compare $CELL
	check_fs "$fs" "$dev"
}

# --- namespaces: the file $NS holds ndctl's name of the script's namespace

NS=/tmp/matrix-ns
rm -f $NS
ns_field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",]*\).*/\1/p" /tmp/ndctl | head -n 1; }

# become MODE: reconfigure the namespace as raw, sector, fsdax/mem, fsdax/dev or devdax
become() {
	local map=
	leave_nothing
	case $1 in
	*/*) map="-M ${1#*/}" ;;
	sector) map="-l 4096" ;;
	esac
	# shellcheck disable=SC2086 # words
	ndctl create-namespace -f -e "$(cat $NS)" -m "${1%/*}" $map >/tmp/ndctl ||
		{ cat /tmp/ndctl; fail "no namespace of mode $1"; }
	settle
	ns_field dev >$NS
	case $1 in
	devdax) until_true 5 test -c "/dev/$(ns_field chardev)" ;;
	*) need_disk "$(ns_field blockdev)" ;;
	esac
}

# the device nodes of the reconfigured namespace
the_disk() { echo "/dev/$(ns_field blockdev)"; }
the_dax() { echo "/dev/$(ns_field chardev)"; }

renew() {
	ndctl disable-namespace "$(cat $NS)" >/dev/null
	if ls /sys/bus/nd/drivers/nd_pmem/"$(cat $NS)" 2>/dev/null; then fail "nd_pmem is still bound to the namespace"; fi
	ndctl enable-namespace "$(cat $NS)" >/dev/null
	settle
}
renew_disk() { renew; need_disk "$(ns_field blockdev)"; }

# ns_cell MODE FSTYPE dax|async|nodax: test a cell on the namespace in that mode
ns_cell() {
	become "$1"
	zap "$(the_disk)"
	cell "$2" "$(the_disk)" "$3" renew_disk
	zap "$(the_disk)"
}

# with_ns COMMAND...: run the command, or skip the test if the script has found no namespace
with_ns() { [ -s "$NS" ] || skip "there is no namespace"; "$@"; }

# ns_cells NAME MODE:DAX...: test each mode and filesystem, then the namespace as device-dax and as memory
ns_cells() {
	_name_of=$1
	shift
	for _fs in ext4 xfs; do
		for _mode; do
			it "$_name_of${_mode%:*}: $_fs" with_ns ns_cell "${_mode%:*}" $_fs "${_mode#*:}"
		done
	done
	it "${_name_of}devdax" with_ns devdax
	it "${_name_of}devdax as memory" with_ns kmem
}

# device-dax: daxexer and fio store and load through mappings
devdax() {
	load_devdax
	become devdax
	daxexer fill "$(the_dax)" --off 2M --len 4M --how mmap --seed 23
	daxexer check "$(the_dax)" --off 2M --len 4M --how mmap --seed 23
	run_fio --name=dax --filename="$(the_dax)" --ioengine=dev-dax --rw=randwrite --bs=4k --offset=8M \
		--size=2M --do_verify=1
	renew
	until_true 5 test -c "$(the_dax)"
	daxexer check "$(the_dax)" --off 2M --len 4M --how mmap --seed 23
}

memory() { awk -v name="$1:" '$1 == name { print $2 }' /proc/meminfo; }
movable_free() { awk '/zone *Movable/ { on = 1 } on && / nr_free_pages/ { print $2 * 4; exit }' /proc/zoneinfo; }

POLICY=/sys/devices/system/memory/auto_online_blocks

# use the device of the previous cell as ordinary memory, and take it offline again
kmem() {
	load kmem || skip "no kmem in this kernel"
	local before free dax policy
	dax=$(ns_field chardev)
	before=$(memory MemTotal)
	# daxctl onlines memory as movable, and fails if the kernel has onlined it already
	policy=$(cat $POLICY)
	echo offline >$POLICY
	daxctl reconfigure-device --mode=system-ram "$dax"
	echo "$policy" >$POLICY
	want driver "$(basename "$(readlink -f /sys/bus/dax/devices/"$dax"/driver)")" kmem
	[ $(($(memory MemTotal) - before)) -ge 131072 ] || fail "MemTotal was $before KiB, and is $(memory MemTotal)"
	free=$(movable_free)
	mkdir -p $CELL
	mount -t tmpfs -o size=90% kmem $CELL
	daxexer fill $CELL/file --len 96M --seed 3 --how mmap
	[ $((free - $(movable_free))) -ge 65536 ] || fail "there were $free KiB free, and are $(movable_free)"
	daxexer check $CELL/file --len 96M --seed 3
	# the kernel migrates used pages when the memory goes offline
	daxctl offline-memory "$dax"
	daxexer check $CELL/file --len 96M --seed 3
	umount $CELL
	daxctl reconfigure-device --mode=devdax "$dax"
	want MemTotal "$(memory MemTotal)" "$before"
	until_true 5 test -c "/dev/$dax"
	daxexer fill "/dev/$dax" --len 2M --how mmap --seed 24
	daxexer check "/dev/$dax" --len 2M --how mmap --seed 24
}

# --- device mapper

dm_make() { # NAME: table from standard input
	dmsetup create "$1"
	[ -b "/dev/mapper/$1" ] || dmsetup mknodes
}
dm_again() { # NAME
	dmsetup table "$1" >/tmp/table
	dmsetup remove "$1"
	dm_make "$1" </tmp/table
}
sectors() { cat "/sys/block/$1/size"; }
