# SPDX-License-Identifier: GPL-2.0
# For the persist scripts. A scenario stores data, syncs it, and asks the checker that watches this guest
# if it is durable.
# shellcheck shell=dash

SCENARIOS=/tmp/scenarios
for _group in dax any device; do
	persist-scenarios list $_group >$SCENARIOS-$_group
done
# scenarios GROUP: print how many scenarios the group has
scenarios() { wc -l <$SCENARIOS-$1; }

# Stop background write-back: its data need not be durable at once, and would confuse the checker.
quiet() {
	echo 0 >/proc/sys/vm/dirty_writeback_centisecs
	modprobe -q xfs || : # it may be built in
	echo 720000 >/proc/sys/fs/xfs/xfssyncd_centisecs
}

# make a filesystem that aligns the extents of files to 2 MiB
fresh_on() { # FILESYSTEM DEVICE DIR MOUNT-OPTIONS
	case $1 in
	ext4) mkfs.ext4 -q -F -b 4096 -E stride=512,stripe_width=512,lazy_itable_init=0,lazy_journal_init=0 $2 ;;
	xfs) mkfs.xfs -q -f -m $XFS_META -d su=2m,sw=1 $2 ;;
	esac
	mkdir -p $3
	mount -t $1 -o $4 $2 $3
}
fresh() { fresh_on $1 /dev/pmem0 $MNT/$1 dax=always${2:+,$2}; } # FILESYSTEM [MOUNT-OPTIONS]

# run: at the end of scenario NUMBER, all data is durable
run() { # GROUP NUMBER PATH
	_rc=0
	persist-scenarios run "$@" || _rc=$?
	[ $_rc != 3 ] || skip "the scenario is not possible here"
	return $_rc
}

# lost: at the end of the scenario, a power cut would lose lines
lost() { # GROUP NAME PATH [OPTION...]
	_group=$1 _n=$(grep -nF "$2" $SCENARIOS-$1 | cut -d: -f1)
	shift 2
	_rc=0
	NOTE='something is left out on purpose' persist-scenarios run $_group $_n "$@" || _rc=$?
	want "exit status" $_rc 1
}

# lost_with FILE WRONG RIGHT LOST...: the same while FILE of /sys/block has the value WRONG
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
# the block layer sends no flush to the disk
without_flushes() { # DISK LOST...
	_disk=$1
	shift
	lost_with $_disk/queue/write_cache 'write through' 'write back' "$@"
}

# all_durable: a test for each scenario of the group
all_durable() { # LABEL GROUP PATH
	_number=0
	while read -r _scenario <&7; do
		_number=$((_number + 1))
		it "$1: $_scenario" run $2 $_number $3
	done 7<$SCENARIOS-$2
}
