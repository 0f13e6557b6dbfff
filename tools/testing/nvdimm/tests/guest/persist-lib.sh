# SPDX-License-Identifier: GPL-2.0
# What the persist scripts share: scenarios that do something to a file, make it durable, and
# ask the checker that watches this guest whether it is.
# shellcheck shell=dash

SCENARIOS=/tmp/scenarios
persist-scenarios list >$SCENARIOS
COUNT=$(wc -l <$SCENARIOS)

# made so that 2 MiB of a file are 2 MiB of the device, and nothing is done later in the background
fresh() { # FILESYSTEM [MOUNT-OPTIONS]
	case $1 in
	ext4) mkfs.ext4 -q -F -b 4096 -E stride=512,stripe_width=512,lazy_itable_init=0,lazy_journal_init=0 /dev/pmem0 ;;
	xfs) mkfs.xfs -q -f -m $XFS_META -d su=2m,sw=1 /dev/pmem0 ;;
	esac
	mkdir -p $MNT/$1
	mount -t $1 -o dax=always${2:+,$2} /dev/pmem0 $MNT/$1
}

# the scenario of line NUMBER ends with everything durable
run() { # FILESYSTEM NUMBER
	_rc=0
	persist-scenarios run "$2" $MNT/$1 || _rc=$?
	[ $_rc != 3 ] || skip "not possible on $1"
	return $_rc
}

# the scenario ends with lines that a power cut would lose
lost() { # FILESYSTEM NAME [OPTION...]
	_fs=$1 _n=$(grep -nF "$2" $SCENARIOS | cut -d: -f1)
	shift 2
	_rc=0
	NOTE='something is left out on purpose' persist-scenarios run $_n $MNT/$_fs "$@" || _rc=$?
	want "exit status" $_rc 1
}

# one test for each scenario
all_durable() { # FILESYSTEM
	_number=0
	while read -r _scenario <&7; do
		_number=$((_number + 1))
		it "$1: $_scenario" run "$1" $_number
	done 7<$SCENARIOS
}
