#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The trace events of fs_dax: their names and fields, and that each of them happens.
# boot: dax
# disks: 256M
# cmdline: memmap=256M!1G memmap=256M!1344M memmap=128M!1664M memmap=128M!1856M
# mem: 2G
# lanes: ctwin fsdax
# timeout: 60
# shellcheck shell=dash
. ./ktap.sh
. ./dax.sh

plan 5

EVENTS=$TRACING/events/fs_dax
[ -d $EVENTS ] || {
	echo "1..0 # SKIP no trace events in this kernel"
	trap - EXIT
	exit 4
}

# formats: the events' formats, without their IDs, which vary, are those of C in dax-events
formats() {
	for _e in "$EVENTS"/*/; do
		grep -v '^ID:' "${_e}format"
	done >/tmp/formats
	diff dax-events /tmp/formats
}

# seen EVENT REGEX STEPS: run the steps on a new file of 8 MiB; they must cause the event
seen() {
	_event=$1 _line=$2
	trace_on
	session "$3"
	trace_off
	traced some "$_event: dev 259:[0-9]+ ino 0x[0-9a-f]+ $_line"
}

FLAGS='[A-Z0-9x_|]*'
RANGE='vm_start 0x[0-9a-f]+ vm_end 0x[0-9a-f]+ pgoff 0x[0-9a-f]+ max_pgoff 0x[0-9a-f]+'

pte() {
	_pte="$FLAGS address 0x[0-9a-f]+ pgoff 0x1"
	seen dax_pte_fault "shared $_pte $" ext4 <<-END
		open f pte new
		write f 0 1M 1
		map m f 0 1M
		touch m 4K 4K
		dirty m 4K 4K
	END
	traced some "dax_pte_fault_done: .* shared $_pte NOPAGE$"
	traced some "dax_pte_fault_done: .* shared WRITE\|$_pte NOPAGE$"
	seen dax_load_hole "private $_pte NOPAGE$" ext4 <<-END
		open f pte new
		truncate f 1M
		map m f 0 1M private
		touch m 4K 4K
	END
}

pmd() {
	seen dax_pmd_fault "shared WRITE\|$FLAGS address 0x[0-9a-f]+ $RANGE " ext4 <<-END
		open f pmd new
		write f 0 2M 1
		map m f 0 2M
		dirty m 8K 4K
	END
	traced some "dax_pmd_fault_done: .*pgoff 0x2 max_pgoff 0x200 NOPAGE$"
	seen dax_pmd_load_hole "shared address 0x[0-9a-f]+ zero_folio [0-9a-f]+ radix_entry 0x[0-9a-f]+$" ext4 <<-END
		open f pmd new
		truncate f 2M
		map m f 0 2M
		touch m 8K 4K
	END
}

writeback() {
	seen dax_writeback_one "pgoff 0x1 pglen 0x1$" ext4 <<-END
		open f writeback new
		write f 0 1M 1
		map m f 0 1M
		dirty m 4K 4K
		msync m 4K 8K
	END
	traced some "dax_writeback_range: .* pgoff 0x1-0x2$"
	traced some "dax_writeback_range_done: .* pgoff 0x[0-9a-f]+-0x2$"
}

synchronous() {
	seen dax_insert_pfn_mkwrite "shared WRITE\|$FLAGS address 0x[0-9a-f]+ pgoff 0x1 NOPAGE$" ext4 <<-END
		open f sync new
		truncate f 1M
		map m f 0 1M sync
		dirty m 4K 4K
	END
	traced some "dax_pte_fault_done: .*NEEDDSYNC"
}

# Two events are too rare to test: dax_pmd_load_hole_fallback occurs if there is no huge zero page,
# dax_insert_pfn_mkwrite_no_entry if a fault loses a race against a punch.

with ext4
it "names, fields and print formats" formats
it "faults of a page" pte
it "faults of 2 MiB" pmd
it "write-back" writeback
it "synchronous faults" synchronous
finish
