# SPDX-License-Identifier: GPL-2.0
# For the scripts that run ndctl's own, unmodified tests over nfit_test. For "# suite: ndctl" the runner
# builds the tests.
# shellcheck shell=dash

. ./debian.sh
. ./nfit-test-lib.sh

NDCTL_BUILD=/cache/ndctl/source/build
NDCTL_TESTS=$DEBIAN/root$NDCTL_BUILD/tests

# Some tests search the journal for messages of the kernel.
start_journal() {
	: >$DEBIAN/root/etc/machine-id
	in_debian systemd-machine-id-setup
	mkdir -p /run/systemd/journal
	in_debian /usr/lib/systemd/systemd-journald &
	until_true 10 in_debian journalctl -q -k -n 1
}

# udev loads the modules of devices, and makes links to device nodes.
start_udev() {
	in_debian /usr/lib/systemd/systemd-udevd --daemon
	in_debian SYSTEMD_IGNORE_CHROOT=1 udevadm trigger
	in_debian SYSTEMD_IGNORE_CHROOT=1 udevadm settle
}

# Prepare the regions that the tests use: e820, ACPI NFIT with labels. The tests load nfit_test
# themselves.
prepare_ndctl() {
	unload_stack
	use_nfit_test
	mount_debian
	start_journal
	start_udev
	cp ndctl-suite-trace-cmd $DEBIAN/root/usr/local/bin/trace-cmd
	modprobe nfit
	modprobe nd_e820
	cat "$(bus_of e820)/wait_probe" "$(bus_of ACPI.NFIT)/wait_probe" >/dev/null
	blank_labels ACPI.NFIT
}

ndctl_end() {
	in_debian SYSTEMD_IGNORE_CHROOT=1 udevadm control --exit
	umount_debian
	for _m in cxl_test cxl_pci cxl_mock_mem dax_cxl dax_hmem cxl_mem cxl_acpi cxl_pmem cxl_port cxl_core cxl_mock; do
		until_true 5 unload $_m
	done
	unload_nfit_test
	use_ordinary_modules
}

# listed NAME: print why the test cannot pass on this kernel, if it is listed
listed() {
	while read -r _test _file _why; do
		[ "$_test" != "$1" ] || [ -e "$_file" ] || echo "$_why"
	done <ndctl-suite-expected
}

# ndctl_test NAME ENVIRONMENT COMMAND...: run the test; status 77 means that it skipped itself
ndctl_test() {
	_name=$1 _env=$2
	shift 2
	_rc=0
	! grep -q "^$_name !" ndctl-suite-expected || skip "$(listed "$_name")"
	case $_name in
	# this test measures the time of reads to find out if the device is mapped as cacheable: give an
	# emulated CPU ten times as long
	device-dax) set -- env 'FAKETIME=+0 x0.1' LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1 "$@" ;;
	esac
	# shellcheck disable=SC2086 # words
	in_debian SYSTEMD_IGNORE_CHROOT=1 PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin $_env \
		env -C $NDCTL_BUILD timeout -k 5 3000 "$@" >/tmp/stdout 2>/tmp/stderr || _rc=$?
	# show standard output last: otherwise the libraries' debug messages would push it out of sight
	cat /tmp/stdout
	grep -Ev '^lib(ndctl|daxctl|kmod):' /tmp/stderr || :
	_listed=$(listed "$_name")
	case $_rc,$_listed in
	0,) ;;
	0,*) fail "the test passes, but ndctl-suite-expected lists it: $_listed" ;;
	*,) fail "the test ended with status $_rc" ;;
	*) skip "$_listed" ;;
	esac
}

# chosen SUITE: print its tests; with ndctl.tests=REGEX on the kernel's command line, only those that
# match
chosen() {
	_only=$(sed -n 's/.*ndctl\.tests=\([^ ]*\).*/\1/p' /proc/cmdline)
	awk -F '\t' -v suite="ndctl:$1" -v only="$_only" '$1 == suite && $2 ~ only' "$NDCTL_TESTS"
}

# ndctl_suite SUITE: run the tests of the suite, and print how long each takes
ndctl_suite() {
	at_end ndctl_end
	if ! (prepare_ndctl) >/tmp/prepare 2>&1; then
		sed 's/^/# /' /tmp/prepare
		plan 1
		it "the devices" false
		finish
	fi
	chosen "$1" >/tmp/chosen
	plan "$(grep -c . /tmp/chosen)"
	_tab=$(printf '\t')
	while IFS=$_tab read -r _suite _name _env _command <&6; do
		_began=$(cut -d. -f1 /proc/uptime)
		# shellcheck disable=SC2086 # words
		it "$_name" ndctl_test "$_name" "$_env" $_command
		echo "# seconds $(($(cut -d. -f1 /proc/uptime) - _began)) $_name"
	done 6</tmp/chosen
	finish
}
