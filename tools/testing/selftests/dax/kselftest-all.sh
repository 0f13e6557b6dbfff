#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# All of these tests as a user runs them: each passes, or is skipped with a reason, or fails as listed.
# boot: kselftest
# cmdline: memmap=384M!1G memmap=384M!1472M memmap=128M!1920M
# mem: 2560M
# root: yes
# lanes: ctwin stock
# tier: full
# timeout: 1800
# what the tests allow where fs/dax.c is C
# allow fsdax=c: WARNING: .* at (insert_pmd|insert_page_into_pte_locked|dax_insert_entry|vmf_insert_folio_pmd)[.a-z0-9]*\+
# allow fsdax=c: WARNING: .*fs/dax\.c.* at dax_disassociate_entry
# allow fsdax=c: cut here
# allow fsdax=c: Call Trace:
# shellcheck shell=dash
. ./ktap.sh
. ./debian.sh
. ./kselftest-lib.sh

plan 5

# no_failure [VARIABLE=VALUE...]: run all tests; none fails, and each that is skipped says why
no_failure() {
	as_user '' "$@"
	refused grep '^not ok' /tmp/kselftest
	want "tests that are skipped without a reason" "$(grep -cE '^# 1\.\.0 # SKIP *$' /tmp/kselftest)" 0
	[ "$(results | grep -vc '# SKIP$')" -gt 10 ] || fail "hardly any test ran"
}

load_stack
mount_debian
it "make install" installed
it "a machine with three pmem devices" user_machine
it "without DAX_DEVICES all tests are skipped" skipped "DAX_DEVICES names no device" ''
it "with two disks all tests pass or are skipped" no_failure "DAX_DEVICES=$NAMED"
it "modules, mounts and the third device are as before" machine_intact
finish
