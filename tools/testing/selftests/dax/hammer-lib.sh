# SPDX-License-Identifier: GPL-2.0
# For unbind.sh and inject-remove.sh: processes that do I/O until the device under them is removed.
# shellcheck shell=dash

# C returns EFAULT if the device is removed in the middle of a copy.
STRICT=1
! fsdax_is_c || STRICT=0

# Start a process of each kind and wait until all do I/O, so that the driver is in use at the removal.
hammers() { # DIR-OR-DEV kinds...
	_p=$1; shift
	rm -f /tmp/hammer.*
	for _k in "$@"; do
		_f=$_p; [ -d "$_p" ] && _f=$_p/$_k
		(set +e
		 daxexer hammer "$_k" "$_f" --len 2M --secs $((30 * PATIENCE)) --strict $STRICT >"/tmp/hammer.$_k" 2>&1
		 echo $? >"/tmp/hammer.$_k.status") &
	done
	for _k in "$@"; do
		until_true 5 grep -q started "/tmp/hammer.$_k"
	done
	usleep 300000
}

# ended kinds...: each process ended by itself, with one of the expected errors
ended() {
	for _k in "$@"; do
		until_true 10 test -s "/tmp/hammer.$_k.status"
		_s=$(cat "/tmp/hammer.$_k.status")
		echo "$_k: status $_s: $(tail -n 2 "/tmp/hammer.$_k")"
		case "$_k $_s" in
		"map 135" | "mapsync 135" | *" 0") ;;
		*) fail "$_k ended with status $_s" ;;
		esac
		grep -q "time over" "/tmp/hammer.$_k" && fail "$_k: noticed nothing"
		:
	done
}

# the file has all pages that the process had synced
synced() { # DIR kinds...
	_p=$1; shift
	for _k in "$@"; do
		_n=$(sed -n 's/^synced //p' "/tmp/hammer.$_k" | tail -n 1)
		[ "${_n:-0}" -gt 0 ] || fail "$_k: nothing was synced"
		[ "$_n" -le 512 ] || _n=512
		echo "$_k: $_n pages"
		daxexer check "$_p/$_k" --len $((_n * 4096)) --seed 8
	done
}
