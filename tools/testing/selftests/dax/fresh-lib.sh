# SPDX-License-Identifier: GPL-2.0
# For dax-fresh.sh and fresh-long.sh: blocks that have never been written.
# shellcheck shell=dash

# A device on which the filesystem's zeroing waits while it is suspended. Accesses by DAX go on.
HELD=/dev/mapper/held

held_on() { # FSTYPE
	echo "0 245760 linear /dev/$DISK2 0" | dmsetup create held
	[ -b $HELD ] || dmsetup mknodes
	case "$1" in
	ext4) mkfs.ext4 -q -F -b 4096 -E stride=512,stripe_width=512 $HELD ;;
	xfs) MKFS_XFS_OPTS="-d su=2m,sw=1" mkfs_on xfs $HELD ;;
	esac
	mount_dax "$1" $HELD $MNT/held
	# an access time is a transaction, which would wait for the device
	mount -o remount,noatime $MNT/held
	# free blocks that are not zero
	session held <<-END
		open g old new
		write g 0 48M 9
		close g
		unlink old
		shell sync
	END
}

let_go() {
	umount $MNT/held
	dmsetup remove held
}

# at_once STEP: this process opens and maps the file, runs the step, and ends
at_once() {
	exec daxexer session $MNT/held <<-END
		open f new
		map small f 0 4M shift 4K
		map large f 0 4M
		$1
	END
}

# state PID: print D for a process that waits for a device or a lock, Z for one that has ended, or nothing
state() { ! [ -d "/proc/$1" ] || sed 's/.*) //; s/ .*//' "/proc/$1/stat"; }
has_blocks_zeroed() { grep -q blkdev_issue_zeroout "/proc/$1/stack"; }
has_ended() { case "$(state "$1")" in Z | '') ;; *) false ;; esac; }
waits_or_has_ended() { [ "$(state "$1")" = D ] || has_ended "$1"; }

# come FIRST SECOND CHECK...: the step FIRST has blocks zeroed, which takes until the device goes on; then SECOND
# comes. The device goes on when COME_UNTIL is true of SECOND. The checks follow when both have ended. The steps
# are processes, since a page fault that waits would keep other threads of its process from going on.
COME_UNTIL=waits_or_has_ended
come() {
	_first=$1 _second=$2
	shift 2
	echo "$_first, then $_second"
	session held <<-END
		open f new new
		falloc f alloc 0 4M
		sync f
	END
	dmsetup suspend --noflush --nolockfs held
	at_once "$_first" &
	_a=$!
	_failed=0
	until_true 30 has_blocks_zeroed $_a || _failed=1
	at_once "$_second" &
	_b=$!
	until_true 30 "$COME_UNTIL" $_b || _failed=1
	dmsetup resume held
	wait $_a || _failed=1
	wait $_b || _failed=1
	{
		echo "open f new"
		printf '%s\n' "$@"
	} | session held || _failed=1
	rm $MNT/held/new
	return $_failed
}

FIRST="check f 1M 8 1"
SECOND="check f 1M+1K 8 1"
REST="check f 1M+2K 2K 0"

by_write() {
	come "write f 1M 8 1" "store small 1M+1K 8 1" "$FIRST" "$SECOND" "$REST"
	come "write f 1M 8 1" "store large 1M+1K 8 1" "$FIRST" "$SECOND" "$REST"
	come "write f 1M 8 1" "load small 1M+1K 3K 0" "$FIRST" "$REST"
}
by_store() {
	come "store small 1M 8 1" "write f 1M+1K 8 1" "$FIRST" "$SECOND" "$REST"
	come "store small 1M 8 1" "store large 1M+1K 8 1" "$FIRST" "$SECOND" "$REST"
	come "store small 1M 8 1" "check f 1M+1K 3K 0" "$FIRST" "$REST"
	come "store small 1M 8 1" "load large 1M+1K 3K 0" "$FIRST" "$REST"
}
not_waiting() {
	COME_UNTIL=has_ended
	come "store small 1M 8 1" "fails EAGAIN check f 1M+1K 3K 0 nowait" "$FIRST" "$REST"
}
by_large_store() {
	come "store large 8 8 1" "write f 1M 8 1" "check f 8 8 1" "$FIRST" "$REST"
	come "store large 8 8 1" "store small 1M 8 1" "check f 8 8 1" "$FIRST" "$REST"
	come "store large 8 8 1" "check f 1M 4K 0" "check f 8 8 1"
	come "store large 8 8 1" "load small 1M 4K 0" "check f 8 8 1"
}

# together NAME ROUNDS BLOCKS SHIFT...: pairs of threads go through new files at the same time
LEN=512K
together() {
	_n=$1 _rounds=$2 _blocks=$3
	shift 3
	for _kinds in store,write store,store store,read store,zero store,punch; do
		for _shift in "$@"; do
			it "$_n: $_kinds, blocks $_blocks, shift $_shift" \
				daxexer fresh "$MNT/$_n" --kinds $_kinds --blocks $_blocks --shift $_shift --rounds "$_rounds" --len "$LEN"
		done
	done
}
