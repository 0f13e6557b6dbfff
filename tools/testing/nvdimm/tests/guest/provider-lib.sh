# SPDX-License-Identifier: GPL-2.0
# For scripts whose persistent memory comes from something else than nd_e820.
# shellcheck shell=dash
#
#	. ./ktap.sh
#	. ./provider-lib.sh
#	provided_by nd_virtio virtio_pmem
#	it "..." load_providers

# provided_by MODULE...: in the order in which they are loaded; at the end they go
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

# provider NAME: of the only bus
provider() { want provider "$(cat /sys/bus/nd/devices/ndbus0/provider)" "$1"; }

# blank_labels: the DIMMs that have room for labels hold no namespace any more
blank_labels() {
	disable_regions
	ndctl init-labels -f all || : # it fails for those without
	ndctl enable-region all
	settle
}

# the region where namespaces can be made
labelled_region() {
	for _r in /sys/bus/nd/devices/region*; do
		[ "$(cat "$_r/available_size")" = 0 ] || echo "${_r##*/}"
	done
}

# the namespace that a region without labels is
whole_namespace() {
	for _r in /sys/bus/nd/devices/region*; do
		[ "$(cat "$_r/available_size")" != 0 ] || (cd "$_r" && echo namespace*.*)
	done
}

two_regions() { want regions "$(ls -d /sys/bus/nd/devices/region* | wc -l)" 2; }
