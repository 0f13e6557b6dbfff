# SPDX-License-Identifier: GPL-2.0
# For scripts whose persistent memory comes from another provider than nd_e820.
# shellcheck shell=dash
#
#	. ./ktap.sh
#	. ./provider-lib.sh
#	provided_by nd_virtio virtio_pmem
#	it "..." load_providers

# provided_by MODULE...: name the modules in the order of loading; at_end unloads them
provided_by() {
	PROVIDERS=$*
	at_end unload_providers
	unload_stack
}

load_providers() {
	for _m in libnvdimm nd_btt nd_pmem; do
		load $_m || fail "module $_m does not load"
	done
	for _m in $PROVIDERS; do
		load "$_m" || skip "no $_m in this kernel"
	done
	until_true 5 test -e /sys/bus/nd/devices/ndbus0
	settle
}

unload_providers() {
	umount_all
	disable_regions
	for _m in $(echo "$PROVIDERS" | tr ' ' '\n' | tac); do
		until_true 5 unload "$_m" || fail "module $_m does not unload"
	done
	unload_stack
}

# provider NAME: the provider of the only bus has that name
provider() { want provider "$(cat /sys/bus/nd/devices/ndbus0/provider)" "$1"; }

# blank_labels: clear the labels of all DIMMs that have a label area
blank_labels() {
	disable_regions
	ndctl init-labels -f all || : # it fails for those without
	ndctl enable-region all
	settle
}

# labelled_region: print the region in which namespaces can be made
labelled_region() {
	for _r in /sys/bus/nd/devices/region*; do
		[ "$(cat "$_r/available_size")" = 0 ] || echo "${_r##*/}"
	done
}

# whole_namespace: print the only namespace of the region without labels
whole_namespace() {
	for _r in /sys/bus/nd/devices/region*; do
		[ "$(cat "$_r/available_size")" != 0 ] || (cd "$_r" && echo namespace*.*)
	done
}

two_regions() { want regions "$(ls -d /sys/bus/nd/devices/region* | wc -l)" 2; }
