# SPDX-License-Identifier: GPL-2.0
# For kselftest*.sh: install the tests in a kernel tree, as a user does, and run them there with the programs of
# Debian. To them this guest is a user's machine.
# shellcheck shell=dash
#
#	. ./ktap.sh
#	. ./debian.sh
#	. ./kselftest-lib.sh
#	it "installed" installed
#	it "..." as_user "TEST..." DAX_DEVICES=...

KDIR=/root/linux
INSTALLED=/root/kselftest
# the disks that user's DAX_DEVICES names, and one that it does not
NAMED="pmem0 /dev/pmem1"
OTHER=/dev/pmem2

# The compiler would take minutes in an emulated guest. The bench compiled daxexer.
installed() {
	_root=$DEBIAN/root
	mkdir -p "$_root$KDIR/tools/testing" "$_root$KDIR/scripts"
	cp "$_root/cache/src/linux/scripts/subarch.include" "$_root$KDIR/scripts/"
	mkdir "$_root$KDIR/tools/testing/selftests"
	cp -r "$_root/cache/src/linux/tools/testing/selftests/kselftest" \
		"$_root/cache/src/linux/tools/testing/selftests/lib.mk" \
		"$_root/cache/src/linux/tools/testing/selftests/Makefile" \
		"$_root/cache/src/linux/tools/testing/selftests/run_kselftest.sh" "$_root$KDIR/tools/testing/selftests/"
	cp -r /selftests/dax "$_root$KDIR/tools/testing/selftests/rust-dax"
	in_debian make -C $KDIR/tools/testing/selftests TARGETS=rust-dax RUSTC=none KSFT_INSTALL_PATH=$INSTALLED install
	cp "$(command -v daxexer)" "$_root$INSTALLED/rust-dax/"
	_count=$(grep -c '^rust-dax:' "$_root$INSTALLED/kselftest-list.txt")
	[ "$_count" -gt 50 ] || fail "only $_count tests are installed"
}

# as_user TESTS [VARIABLE=VALUE...]: run the installed tests; "" stands for all
as_user() {
	_options=$(for _test in $1; do echo "-t rust-dax:$_test.sh"; done)
	shift
	# through a pipe, since run_kselftest.sh opens its output again and would write over a file
	# shellcheck disable=SC2086 # words
	in_debian env "$@" $INSTALLED/run_kselftest.sh -f -o 1800 $_options 2>&1 | cat >/tmp/kselftest
	grep -E '^((not )?ok|# *((not )?ok|1\.\.))' /tmp/kselftest
}

# results: print the results of as_user's tests, without their subtests
results() { grep -E '^(not )?ok ' /tmp/kselftest; }

# passed [TESTS VARIABLE=VALUE...]: no test fails, none is skipped as a whole
passed() {
	as_user "$@"
	refused grep '^not ok' /tmp/kselftest
	refused grep -E '^ok .* # SKIP' /tmp/kselftest
}

# skipped REASON TESTS [VARIABLE=VALUE...]: each test is skipped as a whole for that reason
skipped() {
	_reason=$1
	shift
	as_user "$@"
	refused sh -c "grep -E '^(not )?ok ' /tmp/kselftest | grep -v '# SKIP\$'"
	want "tests that say why" "$(grep -c "^# 1\.\.0 # SKIP .*$_reason" /tmp/kselftest)" "$(results | wc -l)"
}

# The user's modules are loaded, and two mounts are not the tests' to remove.
user_machine() {
	load_stack
	for _n in 0 1 2; do need_disk pmem$_n; done
	daxexer fill $OTHER --len 96M --seed 77 --how direct
	sha256sum <$OTHER >/tmp/other
	mkdir -p $DEBIAN/root/tmp $DEBIAN/root/mnt/usb
	mount -t tmpfs usb $DEBIAN/root/mnt/usb
}

# machine_intact: the modules are loaded, the mounts are there, and the disk that DAX_DEVICES does not name
# has its bytes
machine_intact() {
	loaded nd_pmem && loaded nd_e820
	mountpoint -q $DEBIAN/root/mnt/usb
	want "file systems on pmem" "$(grep -c '^/dev/\(pmem\|mapper\)' /proc/mounts)" 0
	want "device mapper" "$(command dmsetup ls | grep -v 'No devices')" ""
	blockdev --flushbufs $OTHER
	want "checksum of $OTHER" "$(sha256sum <$OTHER)" "$(cat /tmp/other)"
}

# no_names: a script that gets its disks names no pmem device, and touches no module or driver's binding
no_names() {
	for _script in $(grep -l '^# disks:' ./*.sh) ./dax.sh ./fsx-lib.sh ./fuzz-lib.sh ./stress-lib.sh ./fresh-lib.sh; do
		! grep -q '^# reload: yes' "$_script" || continue
		refused grep -nE '^[^#]*(/pmem[0-9]|rmmod|modprobe -r|/unbind|remove_all)' "$_script"
	done
}

leave() {
	umount $DEBIAN/root/mnt/usb 2>/dev/null
	umount_debian
	clean_stack
}
at_end leave
