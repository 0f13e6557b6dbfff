# SPDX-License-Identifier: GPL-2.0
# For fsx-*.sh. fsx keeps a copy of the file in memory and compares; "daxexer io"
# does the same with the operations that fsx lacks: zero, collapse, insert, clone,
# dedupe, unshare.
#
# Words of the kernel's command line: fsx.ops=N operations of each kind of run,
# fsx.seed=N the first seed. "make check T=/fsx FSX_OPS=... FSX_SEED=..." sets them.
# shellcheck shell=dash

# word NAME DEFAULT: print the value of NAME=value on the kernel's command line
word() {
	_value=$(tr ' ' '\n' </proc/cmdline | sed -n "s/^$1=//p" | tail -n 1)
	echo "${_value:-$2}"
}

SEED=$(word fsx.seed 1)

start() { # FSTYPE
	mkfs_on "$1" /dev/$DISK0
	mount_dax "$1" /dev/$DISK0 $MNT/fsx
	rm $MNT/fsx/.dax
	echo "# $1: seed $SEED, operations: $(word fsx.ops 'the default')" >/dev/kmsg
}

# print the weights of fsx's operations that all runs share
weights() {
	cat <<-END
	[weights]
	close_open = 1
	read = 10
	write = 10
	mapread = 10
	mapwrite = 10
	invalidate = 1
	truncate = 3
	fsync = 2
	fdatasync = 2
	posix_fallocate = 3
	punch_hole = 5
	sendfile = 2
	posix_fadvise = 1
	copy_file_range = 5
	END
}

# exercise NAME OPS SEED: run fsx; the rest of its configuration comes from standard input
exercise() {
	_ops=$(word fsx.ops "$2")
	{ cat; weights; } >"/tmp/$1.toml"
	echo "seed $3, $_ops operations"
	NO_COLOR=1 fsx -q -f "/tmp/$1.toml" -N "$_ops" -S "$3" -P /tmp "$MNT/fsx/$1" ||
		fail "again: make check T=LANE/$SCRIPT FSX_OPS=$_ops FSX_SEED=$SEED"
	rm "$MNT/fsx/$1"
}

# operations at any byte, in a file of some pages
bytes() {
	exercise bytes 2500 "$SEED" <<-END
	flen = 262144
	[opsize]
	max = 65536
	END
}

# operations on whole blocks: on xfs, a copy within the file shares them
blocks() {
	exercise blocks 1500 $((SEED + 1)) <<-END
	flen = 2097152
	[opsize]
	max = 262144
	align = 4096
	END
}

# operations that create, split and remove 2 MiB entries
huge() {
	exercise huge 250 $((SEED + 2)) <<-END
	flen = 12582912
	[opsize]
	max = 6291456
	END
}

model() { # FSTYPE
	_reflink=0
	[ "$1" != xfs ] || _reflink=1
	_ops=$(word fsx.ops 500)
	echo "seed $((SEED + 3)), $_ops operations"
	mkdir "$MNT/fsx/model"
	daxexer io $MNT/fsx/model --seed $((SEED + 3)) --files 2 --ops "$_ops" --size 3M \
		--reflink $_reflink ||
		fail "again: make check T=LANE/$SCRIPT FSX_OPS=$_ops FSX_SEED=$SEED"
	rm -r $MNT/fsx/model
}

# A fault that maps 2 MiB reports it in this trace event.
HUGE=/sys/kernel/tracing/events/fs_dax/dax_pmd_fault_done
traced() {
	echo >/sys/kernel/tracing/trace
	echo 1 >$HUGE/enable
	"$@"
	echo 0 >$HUGE/enable
	grep -c 'dax_pmd_fault_done.*NOPAGE' /sys/kernel/tracing/trace ||
		fail "no fault mapped 2 MiB"
}

sound() { # FSTYPE
	umount $MNT/fsx
	check_fs "$1" /dev/$DISK0
}

exercise_fs() { # FSTYPE
	SCRIPT=fsx-$1
	plan 6
	fresh_stack
	it "$1: mkfs and mount -o dax=always" start "$1"
	it "$1: fsx, any offset and length" bytes
	it "$1: fsx, whole blocks" blocks
	it "$1: fsx, a file of several 2 MiB mappings" traced huge
	it "$1: random operations with zero, collapse, insert and clones" model "$1"
	it "$1: the filesystem is sound" sound "$1"
	finish
}
