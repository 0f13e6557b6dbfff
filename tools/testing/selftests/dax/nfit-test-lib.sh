# SPDX-License-Identifier: GPL-2.0
# For scripts that use nfit_test of the kernel's tools/testing/nvdimm, which simulates
# firmware and DIMMs. Its modules have the same names as the ordinary ones.
# shellcheck shell=dash

SIMULATED_MODULES=/lib/modules/$(uname -r)/extra

# use_nfit_test: make modprobe prefer these modules, here and in a Debian root that is mounted later
use_nfit_test() {
	if [ ! -d /simulated ]; then # a kernel that was built elsewhere
		plan 1
		it "nfit_test" skip "this kernel came without nfit_test"
		finish
	fi
	mkdir -p /etc/depmod.d
	echo "search extra updates built-in" >/etc/depmod.d/simulated.conf
	cp -a /simulated "$SIMULATED_MODULES"
	depmod
}

use_ordinary_modules() {
	rm -rf "$SIMULATED_MODULES" /etc/depmod.d/simulated.conf
	depmod
}

# bus_of PROVIDER: print the directory of the provider's nvdimm bus
bus_of() {
	for _b in /sys/bus/nd/devices/ndbus*; do
		[ "$(cat "$_b/provider")" != "$1" ] || { echo "$_b"; return; }
	done
	fail "there is no bus $1"
}

# blank_labels BUS: clear the labels of the DIMMs, so that they hold no namespace
blank_labels() {
	ndctl disable-region -b "$1" all
	ndctl init-labels -f -b "$1" all
	ndctl enable-region -b "$1" all
}

load_nfit_test() {
	modprobe nfit_test
	for _p in nfit_test.0 nfit_test.1; do
		cat "$(bus_of $_p)/wait_probe" >/dev/null
	done
}

unload_nfit_test() {
	umount_all
	disable_regions
	modprobe -r nfit_test
	for _m in dax_pmem device_dax nfit nd_e820 nd_pmem nd_btt libnvdimm nfit_test_iomap; do
		until_true 5 unload $_m || { lsmod; fail "module $_m does not unload"; }
	done
}
