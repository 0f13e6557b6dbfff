# SPDX-License-Identifier: GPL-2.0
# Which devices a script may overwrite, and what else of this machine it may use.
# shellcheck shell=dash
#
#	DAX_DEVICES="pmem0 /dev/pmem3"	the pmem devices that tests may overwrite; "all": each of this machine
#	DAX_RELOAD=yes			with DAX_DEVICES=all: tests may load and unload the modules, too
#
# A script with a header "# disks: SIZE..." gets one disk for each SIZE, a minimum, or MIN..MAX. fresh_stack
# sets DISK0, DISK1... to their names. Unless the script owns the machine, all other pmem devices are hidden
# from it. A script without that header, or with "# reload: yes", runs only if it owns the machine: it loads
# and unloads the stack, and names devices as it likes.

# the names of the chosen disks, and each
DISKS='' DISK0='' DISK1='' DISK2='' DISK3=''
# set if the script owns the machine
OWNER=
NEEDS_DISKS='' NEEDS_PROGRAMS='' NEEDS_MEMMAP='' NEEDS_RELOAD=''

# needs_machine: skip a test of a script that can do without it
needs_machine() {
	owns_machine || skip "it takes devices away: needs DAX_DEVICES=all DAX_RELOAD=yes and the memmap= of the script's header"
}

# read_needs: read the headers in the first comment of the script
read_needs() {
	while read -r _hash _key _values; do
		case $_hash in '#'*) ;; *) break ;; esac
		case $_key in
		disks:) NEEDS_DISKS=$_values ;;
		reload:) NEEDS_RELOAD=$_values ;;
		programs: | program: | crate:) NEEDS_PROGRAMS="$NEEDS_PROGRAMS $_values" ;;
		cmdline:) NEEDS_MEMMAP="$NEEDS_MEMMAP $_values" ;;
		esac
	done <"$0"
	[ -n "$NEEDS_DISKS" ] || NEEDS_RELOAD=yes
}

# has_layout: succeed if this kernel was booted with the memmap= words of the script's header
has_layout() {
	_booted=" $(cat /proc/cmdline) "
	for _word in $NEEDS_MEMMAP; do
		case $_word in memmap=*) ;; *) continue ;; esac
		case $_booted in *" $_word "*) ;; *) return 1 ;; esac
	done
}

# bytes SIZE: print a size with a suffix in bytes
bytes() {
	case $1 in
	*K) echo $((${1%K} << 10)) ;;
	*M) echo $((${1%M} << 20)) ;;
	*G) echo $((${1%G} << 30)) ;;
	*) echo "$1" ;;
	esac
}

# named_disks: print the names of the disks in DAX_DEVICES
named_disks() {
	if [ "$DAX_DEVICES" = all ]; then
		(cd /sys/block && ls -d pmem* 2>/dev/null) | sort -V
		return
	fi
	for _name in $DAX_DEVICES; do
		case $_name in /*) _name=$(readlink -f "$_name") ;; esac
		echo "${_name#/dev/}"
	done
}

# in_use DISK: succeed if a filesystem, swap or another device has it; the kernel refuses to read the
# partition table of such a disk
in_use() { ! blockdev --rereadpt "/dev/$1" 2>/dev/null; }

# why_not DISK MIN MAX: print why the disk cannot serve, or nothing
why_not() {
	case $1 in pmem*) ;; *) echo "$1 is no pmem device" && return ;; esac
	if [ ! -d "/sys/block/$1" ] || [ ! -b "/dev/$1" ]; then
		echo "there is no disk $1"
	elif [ "$(cat "/sys/block/$1/queue/dax" 2>/dev/null)" != 1 ]; then
		echo "$1 has no DAX"
	elif [ "$(cat "/sys/block/$1/ro")" != 0 ]; then
		echo "$1 is read-only"
	elif [ $(($(cat "/sys/block/$1/size") * 512)) -lt "$(bytes "$2")" ]; then
		echo "$1 is smaller than $2"
	elif [ -n "$3" ] && [ $(($(cat "/sys/block/$1/size") * 512)) -gt "$(bytes "$3")" ]; then
		echo "$1 is larger than $3"
	elif in_use "$1"; then
		echo "$1 is in use"
	fi
}

# choose_disks: choose a disk of DAX_DEVICES for each SIZE of the header, or skip the script
choose_disks() {
	for _want in $NEEDS_DISKS; do
		_min=${_want%..*} _max=
		case $_want in *..*) _max=${_want#*..} ;; esac
		_found='' _whys=''
		for _disk in $(named_disks); do
			case " $DISKS " in *" $_disk "*) continue ;; esac
			_why=$(why_not "$_disk" "$_min" "$_max")
			[ -n "$_why" ] || { _found=$_disk && break; }
			_whys="$_whys; $_why"
		done
		[ -n "$_found" ] ||
			skip_all "needs pmem devices of $NEEDS_DISKS, DAX_DEVICES has${DISKS:-" none"}$_whys"
		DISKS="$DISKS $_found"
	done
}

# expected_disks: on a machine that the script owns, the regions of its header become these disks
expected_disks() {
	_count=0
	for _want in $NEEDS_DISKS; do
		DISKS="$DISKS pmem$_count"
		_count=$((_count + 1))
	done
}

# name_disks: set DISK0, DISK1...
name_disks() {
	_count=0
	for _disk in $DISKS; do
		eval "DISK$_count=$_disk"
		_count=$((_count + 1))
	done
}

# smaller DISK DISK: print the sectors of the smaller one, in whole 2 MiB
smaller() {
	_one=$(cat "/sys/block/$1/size") _other=$(cat "/sys/block/$2/size")
	[ "$_one" -le "$_other" ] || _one=$_other
	echo $((_one / 4096 * 4096))
}

# hide_others: put /dev/null over each pmem device that DAX_DEVICES does not name
hide_others() {
	_named=" $(named_disks | tr '\n' ' ') "
	for _node in /dev/pmem*; do
		[ -b "$_node" ] || continue
		_disk=${_node#/dev/}
		[ ! -e "/sys/class/block/$_disk/partition" ] ||
			_disk=$(basename "$(dirname "$(readlink -f "/sys/class/block/$_disk")")")
		case $_named in *" $_disk "*) continue ;; esac
		mount --bind /dev/null "$_node" || skip_all "/dev/$_disk, which DAX_DEVICES does not name, cannot be hidden"
	done
}

# be_private: run the script again in a mount namespace of its own, where /tmp and /mnt are empty, so that its
# mounts and files end with it and the machine's are out of its reach. The shell has a path: busybox's unshare
# would run an applet of its own, which prefers applets to programs.
be_private() {
	if [ "$DAX_PRIVATE" != $$ ]; then
		DAX_PRIVATE=$$ exec unshare --mount --propagation private /bin/sh "$0" "$@"
	fi
	mount -t tmpfs tmp /tmp && mount -t tmpfs mnt /mnt || skip_all "/tmp and /mnt cannot be mounted over"
	case $PWD in
	/tmp/* | /mnt/*) # "." is below the mount: without -c, mount would look the path up again
		mkdir -p "$PWD" && mount -c --bind . "$PWD" || skip_all "$PWD cannot be reached; run it elsewhere"
		;;
	esac
}

# check_caller: skip the script if the caller cannot run it, or names no device
check_caller() {
	[ "$(id -u)" = 0 ] || skip_all "only root can run this"
	[ -n "$DAX_DEVICES" ] ||
		skip_all "DAX_DEVICES names no device: set it to the pmem devices that may be overwritten"
	read_needs
	if [ "$DAX_DEVICES,$DAX_RELOAD" = all,yes ] && has_layout; then
		OWNER=yes
	elif [ -n "$NEEDS_RELOAD" ]; then
		[ "$DAX_DEVICES,$DAX_RELOAD" = all,yes ] ||
			skip_all "it takes all pmem devices away and overwrites them: needs DAX_DEVICES=all DAX_RELOAD=yes"
		skip_all "needs a kernel that was booted with$NEEDS_MEMMAP"
	fi
}

# check_machine: skip the script if this machine lacks what it needs
check_machine() {
	for _program in daxexer mkfs.ext4 e2fsck mkfs.xfs xfs_repair xfs_io blockdev $NEEDS_PROGRAMS; do
		command -v "$_program" >/dev/null && continue
		case $_program in
		daxexer | daxfuzz) skip_all "there is no program $_program: it is built if there is a Rust compiler" ;;
		*) skip_all "there is no program $_program" ;;
		esac
	done
	if owns_machine; then
		for _disk in $(named_disks); do
			! in_use "$_disk" || skip_all "$_disk is in use"
		done
	else
		! grep -q '^evidence: fsdax *absent' "$(components)" || skip_all "this kernel has no CONFIG_FS_DAX"
		hide_others
	fi
}
