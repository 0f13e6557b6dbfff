# SPDX-License-Identifier: GPL-2.0
# Functions for the DAX stack: modules, devices, filesystems.
# shellcheck shell=dash

MNT=/mnt
PATH=$PWD/bin:$PWD:$PATH
# multiplies timeouts: a kernel with checkers is slow
PATIENCE=1
[ ! -e /sys/kernel/debug/kmemleak ] || PATIENCE=5
mkdir -p $MNT
export LC_ALL=C
# without udev, libdevmapper makes the nodes itself
[ -e /run/udev/control ] || export DM_DISABLE_UDEV=1
# busybox has this program, others have not
command -v usleep >/dev/null || usleep() { sleep "$(printf '%d.%06d' $(($1 / 1000000)) $(($1 % 1000000)))"; }

# owns_machine: succeed if the script may load and unload the stack, which takes all pmem devices away.
# devices.sh decides for tests; other scripts, as the demo, take the caller's word.
[ -n "${OWNER+set}" ] || [ "$DAX_DEVICES,$DAX_RELOAD" != all,yes ] || OWNER=yes
owns_machine() { [ -n "$OWNER" ]; }

say() { echo "$*"; }
fail() { echo "FAILED: $*"; exit 1; }

# want WHAT GOT EXPECTED
want() {
	[ "$2" = "$3" ] || fail "$1: \"$2\" instead of \"$3\""
}

# refused CMD...: the command must fail; its output is printed
refused() {
	if "$@"; then fail "succeeded: $*"; fi
}
# refused_for TEXT CMD...: the command must fail, and its output contain TEXT
refused_for() {
	_text=$1; shift
	if _said=$("$@" 2>&1); then fail "succeeded: $*"; fi
	case $_said in
	*"$_text"*) ;;
	*) fail "not for \"$_text\": $_said" ;;
	esac
}

# none_of FILE...: none of the files exists
none_of() {
	for _f; do
		if [ -e "$_f" ]; then fail "it exists: $_f"; fi
	done
}

# until_true SECONDS CMD...: wait until the command succeeds
until_true() {
	_left=$(($1 * 20 * PATIENCE)); shift
	until "$@" >/dev/null 2>&1; do
		_left=$((_left - 1))
		[ $_left -gt 0 ] || { echo "still not true: $*"; return 1; }
		usleep 50000
	done
}

# components: print the name of a file with what evidence.sh finds in this kernel. It is read once for each
# boot, since that takes seconds on an emulated machine.
components() {
	_components=/run/selftests-dax.components
	if [ ! -s $_components ]; then
		(. ./evidence.sh && evidence >/tmp/components) && mv /tmp/components $_components
	fi
	echo $_components
}

# is_c COMPONENT: succeed if it is not Rust here. What modules are is asked anew, as others may be loaded.
is_c() {
	case $1 in
	core | fsdax) ! grep -q "^evidence: $1 *rust " "$(components)" ;;
	pmem | e820)
		[ -s /tmp/modules ] || know_modules
		! grep -q "^evidence: $1 *rust " /tmp/modules
		;;
	kernel) ! zcat /proc/config.gz 2>/dev/null | grep -q '^CONFIG_RUST_DAX_FIXES="..*"' ;;
	esac
}
know_modules() { (. ./evidence.sh && evidence >/tmp/modules); }
fsdax_is_c() { is_c fsdax; }

# change FILE VALUE: write to a setting of the kernel; the script's end writes back what was there
change() {
	[ -e "/tmp/changed/$1" ] || {
		mkdir -p "/tmp/changed/${1%/*}"
		cat "$1" >"/tmp/changed/$1"
	}
	echo "$2" >"$1"
}
change_back() {
	[ -d /tmp/changed ] || return 0
	(cd /tmp/changed && find . -type f) | while read -r _f; do cat "/tmp/changed/$_f" >"/${_f#./}"; done
	rm -r /tmp/changed
}

# needs_fix NAME: skip a test that would crash or hang the guest without tools/integrate/fixes/NAME.patch
needs_fix() {
	zcat /proc/config.gz 2>/dev/null | grep -qE "^CONFIG_RUST_DAX_FIXES=\"(.* )?$1( .*)?\"" ||
		skip "this test crashes or hangs a kernel without the fix $1 (make integrate FIXES=1)"
}

# needs_option OPTION: skip a test if the kernel says that it was built without the option
needs_option() {
	[ ! -e /proc/config.gz ] || zcat /proc/config.gz | grep -q "^CONFIG_$1=[ym]" ||
		skip "this kernel has no CONFIG_$1"
}

# as_user COMMAND...: run the command as another user than root, whom quotas and permissions concern
as_user() { setpriv --reuid 1000 --regid 1000 --clear-groups "$@"; }

# --- kernel log

log_mark() {
	LOG_MARK="mark $$ $(cut -d' ' -f1 /proc/uptime)"
	echo "$LOG_MARK" >/dev/kmsg
}
log_since() { dmesg | sed "1,/$LOG_MARK/d"; }
# log_says REGEX: print the matching lines of the kernel log since log_mark
log_says() { log_since | grep -E "$1"; }

# --- modules

loaded() { grep -q "^$1 " /proc/modules; }

# load MODULE...: modules may be built in, without a line in /proc/modules
load() {
	loaded "$1" && return 0
	if [ -e "/modules/$1.ko" ]; then
		insmod "/modules/$1.ko"
	else
		modprobe "$1"
	fi
}

load_stack() {
	for _m in libnvdimm nd_btt nd_pmem nd_e820; do
		load $_m || fail "module $_m does not load"
	done
	settle
	# a module is asked while it is loaded
	case ${KTAP_LISTED:-} in *' pmem '* | *' e820 '*) [ -s /tmp/modules ] || know_modules ;; esac
}

load_devdax() {
	for _m in device_dax dax_pmem; do
		load $_m || fail "module $_m does not load"
	done
}

# Enabled regions pin the module that provides them.
disable_regions() {
	for _r in /sys/bus/nd/drivers/nd_region/region*; do
		[ -e "$_r" ] || continue
		echo "${_r##*/}" >/sys/bus/nd/drivers/nd_region/unbind
	done
}

unload() {
	loaded "$1" || return 0
	owns_machine || fail "the module $1 is the machine's"
	[ "$1" = nd_e820 ] && disable_regions
	rmmod "$1"
}

unload_stack() {
	for _m in dax_pmem fsdev_dax kmem device_dax nd_e820 nd_pmem nd_btt libnvdimm; do
		until_true 5 unload $_m || { lsmod; fail "module $_m does not unload"; }
	done
}

# Probing is asynchronous: wait until the bus is idle, so that every namespace with a
# driver has its disk.
settle() {
	[ -e /sys/bus/nd/devices/ndbus0/wait_probe ] || return 0
	cat /sys/bus/nd/devices/ndbus0/wait_probe >/dev/null
	for _n in 1 2 3 4 5 6 7 8; do
		for _ns in /sys/bus/nd/drivers/nd_pmem/namespace*; do
			[ -e "$_ns" ] || continue
			ls "$_ns/block" >/dev/null 2>&1 || usleep 50000
		done
	done
}

have_disk() { [ -b "/dev/$1" ] && [ "$(cat /sys/class/block/"$1"/size)" -gt 0 ]; }
need_disk() { until_true 5 have_disk "$1" || fail "no /dev/$1"; }

bind() { echo "$1" >/sys/bus/nd/drivers/nd_pmem/bind; }
unbind() {
	owns_machine || fail "the driver of $1 is the machine's"
	echo "$1" >/sys/bus/nd/drivers/nd_pmem/unbind
}

# namespace_of DISK: print the namespace of the disk
namespace_of() { basename "$(readlink -f "/sys/block/$1/device")"; }
bytes_of() { echo $(($(cat "/sys/class/block/$1/size") * 512)); }

# slab_objects CACHE: print the objects in use, without the free ones in per-CPU caches
slab_objects() {
	for _n in 1 2 3; do
		echo 1 >"/sys/kernel/slab/$1/shrink"
		usleep 20000
	done
	cut -d' ' -f1 "/sys/kernel/slab/$1/objects"
}

# zap DEV: zero the first MiB, where all signatures and info blocks are
zap() { dd if=/dev/zero of="$1" bs=64k count=16 oflag=direct 2>/dev/null; }

# --- filesystems

MKFS_XFS_OPTS=
XFS_META=reflink=1,rmapbt=1
# with these variables, mkfs.xfs makes small and single-group filesystems, as for xfstests
export TEST_DIR=/mnt TEST_DEV=pmem QA_CHECK_FS=1

mkfs_on() {
	case "$1" in
	ext4) mkfs.ext4 -q -F -b 4096 "$2" ;;
	xfs) mkfs.xfs -q -f -b size=4096 -m $XFS_META $MKFS_XFS_OPTS "$2" ;;
	esac
}

# mount_dax FSTYPE DEV DIR: mount with DAX; the mount options and statx must confirm it
mount_dax() {
	mkdir -p "$3"
	mount -t "$1" -o dax=always "$2" "$3" || fail "mount -o dax=always $2"
	grep -q "^$2 $3 $1 .*dax=always" /proc/mounts || fail "$3: no dax=always in /proc/mounts"
	touch "$3/.dax"
	daxexer isdax "$3/.dax" || fail "$3: DAX is not active"
}

check_fs() {
	case "$1" in
	ext4) e2fsck -f -n "$2" ;;
	xfs) xfs_repair -n -o force_geometry "$2" ;;
	esac
}

umount_all() {
	# newest first
	grep " $MNT" /proc/mounts | cut -d' ' -f2 | tac | while read -r _d; do umount "$_d"; done
}

# --- device mapper

# The devices that the script makes end with it, and no others.
dmsetup() {
	[ "$1" != create ] || echo "$2" >>/tmp/dm-made
	command dmsetup "$@"
}
remove_dm() {
	[ -e /tmp/dm-made ] || return 0
	# most are gone already
	tac /tmp/dm-made | while read -r _name; do command dmsetup remove -f "$_name" >/dev/null 2>&1 || :; done
	rm /tmp/dm-made
}

# mbr DEV START LEN [START LEN...]: write a partition table; the numbers are sectors
mbr() {
	_dev=$1; shift
	dd if=/dev/zero of="$_dev" bs=512 count=1 2>/dev/null
	_at=446
	while [ $# -gt 0 ]; do
		_e='\0\0\0\0\203\0\0\0'
		for _v in "$1" "$2"; do
			for _s in 0 8 16 24; do
				_e="$_e\\0$(printf %03o $(((_v >> _s) & 255)))"
			done
		done
		printf "%b" "$_e" | dd of="$_dev" bs=1 seek=$_at conv=notrunc 2>/dev/null
		_at=$((_at + 16)); shift 2
	done
	printf '\125\252' | dd of="$_dev" bs=1 seek=510 conv=notrunc 2>/dev/null
	blockdev --rereadpt "$_dev"
}
