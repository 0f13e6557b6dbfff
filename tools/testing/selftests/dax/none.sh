#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Without persistent memory the modules load, make no device, and unload.
# boot: none
# mem: 2G
# timeout: 20
# shellcheck shell=dash
. ./ktap.sh

plan 3

load_all() {
	load_stack
	for _m in libnvdimm nd_pmem nd_e820; do
		loaded $_m || fail "$_m is not loaded"
	done
}
nothing() {
	none_of /sys/block/pmem* /sys/bus/nd/devices/*
}
again() {
	for _i in 1 2 3 4 5; do
		unload_stack
		load_stack
	done
	nothing
	unload_stack
}
at_end unload_stack
it "the modules load" load_all
it "no disk, no region, no bus" nothing
it "unload and load" again
finish
