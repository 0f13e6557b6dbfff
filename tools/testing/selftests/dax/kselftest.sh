#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# These tests as any user's kselftests: installed by make, run by run_kselftest.sh, on disks that DAX_DEVICES
# names; other devices stay as they are.
# boot: kselftest
# cmdline: memmap=384M!1G memmap=384M!1472M memmap=128M!1920M
# mem: 2560M
# root: yes
# lanes: ctwin stock
# timeout: 240
# shellcheck shell=dash
. ./ktap.sh
. ./debian.sh
. ./kselftest-lib.sh

plan 8

load_stack
mount_debian
it "make install" installed
it "a machine with three pmem devices" user_machine
it "without DAX_DEVICES each test is skipped" skipped "DAX_DEVICES names no device" "fs-io dm reload"
it "what takes devices away is skipped" skipped "needs DAX_DEVICES=all DAX_RELOAD=yes" "reload unbind" "DAX_DEVICES=$NAMED"
it "a disk that is too small, and one that is missing" skipped "pmem2 is smaller than 256M; there is no disk pmem7" \
	"dax-trace" "DAX_DEVICES=pmem2 pmem7"
it "tests run on the named devices" passed dm "DAX_DEVICES=$NAMED"
it "modules, mounts and the third device are as before" machine_intact
it "a script that gets its disks names none itself" no_names
finish
