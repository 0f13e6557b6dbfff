# SPDX-License-Identifier: GPL-2.0
# For demo-write.sh and demo-verify.sh.
# shellcheck shell=dash

. ./stack.sh
. ./evidence.sh

STARTED=$(cut -d. -f1 /proc/uptime)
step() { echo "[$(cut -d' ' -f1 /proc/uptime)s] $*"; }
detail() { sed 's/^/      /'; }
# try CMD...: run the command and show its output; end the demo if it fails
try() {
	"$@" >/tmp/try.log 2>&1
	_rc=$?
	detail </tmp/try.log
	[ $_rc = 0 ] || { echo "FAILED (status $_rc): $*"; exit 1; }
}
# quietly CMD...: run the command and show its output only if it fails
quietly() {
	"$@" >/tmp/try.log 2>&1 && return 0
	detail </tmp/try.log
	echo "FAILED: $*"; exit 1
}

demo_disks() {
	step "loading libnvdimm, then insmod nd_pmem and nd_e820"
	load_stack
	for d in pmem0 pmem1; do
		need_disk $d
		echo "$d: $(($(bytes_of $d) >> 20)) MiB at $(cat "/sys/block/$d/device/resource" 2>/dev/null || echo "?")" | detail
	done
	evidence | detail
}
