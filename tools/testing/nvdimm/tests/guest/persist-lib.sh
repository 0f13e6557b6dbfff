# SPDX-License-Identifier: GPL-2.0
# What the persist scripts share: scenarios that do something, make it durable, and ask the checker
# that watches this guest whether it is.
# shellcheck shell=dash

SCENARIOS=/tmp/scenarios
for _group in dax any device; do
	persist-scenarios list $_group >$SCENARIOS-$_group
done
# how many scenarios a group has
scenarios() { wc -l <$SCENARIOS-$1; }

# Nothing is written in the background: it would not be durable at once, and need not be.
quiet() {
	echo 0 >/proc/sys/vm/dirty_writeback_centisecs
	modprobe -q xfs || : # or it is built in
	echo 720000 >/proc/sys/fs/xfs/xfssyncd_centisecs
}

# made so that 2 MiB of a file are 2 MiB of the device
fresh_on() { # FILESYSTEM DEVICE DIR MOUNT-OPTIONS
	case $1 in
	ext4) mkfs.ext4 -q -F -b 4096 -E stride=512,stripe_width=512,lazy_itable_init=0,lazy_journal_init=0 $2 ;;
	xfs) mkfs.xfs -q -f -m $XFS_META -d su=2m,sw=1 $2 ;;
	esac
	mkdir -p $3
	mount -t $1 -o $4 $2 $3
}
fresh() { fresh_on $1 /dev/pmem0 $MNT/$1 dax=always${2:+,$2}; } # FILESYSTEM [MOUNT-OPTIONS]

# the scenario of line NUMBER ends with everything durable
run() { # GROUP NUMBER PATH
	_rc=0
	persist-scenarios run "$@" || _rc=$?
	[ $_rc != 3 ] || skip "not possible here"
	return $_rc
}

# the scenario ends with lines that a power cut would lose
lost() { # GROUP NAME PATH [OPTION...]
	_group=$1 _n=$(grep -nF "$2" $SCENARIOS-$1 | cut -d: -f1)
	shift 2
	_rc=0
	NOTE='something is left out on purpose' persist-scenarios run $_group $_n "$@" || _rc=$?
	want "exit status" $_rc 1
}

# lost_with FILE WRONG RIGHT LOST...: the same while that is in the file of /sys/block
lost_with() {
	_file=/sys/block/$1 _right=$3
	echo "$2" >$_file
	shift 3
	_rc=0
	(lost "$@") || _rc=$?
	echo "$_right" >$_file
	return $_rc
}
without_write_backs() { # DISK LOST...
	_disk=$1
	shift
	lost_with $_disk/dax/write_cache 0 1 "$@"
}
# of what is sent to the disk
without_flushes() { # DISK LOST...
	_disk=$1
	shift
	lost_with $_disk/queue/write_cache 'write through' 'write back' "$@"
}

# one test for each scenario
all_durable() { # LABEL GROUP PATH
	_number=0
	while read -r _scenario <&7; do
		_number=$((_number + 1))
		it "$1: $_scenario" run $2 $_number $3
	done 7<$SCENARIOS-$2
}
