# SPDX-License-Identifier: GPL-2.0
# The matrix, NFIT: every mode of namespaces in a region with labels and in one without.
# boot: matrix-nfit
# mem: 2G
# qemu: -object memory-backend-ram,id=nv0,size=384M -device nvdimm,id=n0,memdev=nv0,label-size=128K
# qemu: -object memory-backend-ram,id=nv1,size=384M -device nvdimm,id=n1,memdev=nv1
# tier: full
# timeout: 400
# shellcheck shell=dash
. ./ktap.sh
. ./matrix-lib.sh

plan 21

unload_nfit() {
	umount_all
	disable_regions
	until_true 5 unload nfit && unload_stack
}
at_end unload_nfit

start() {
	for _m in libnvdimm nd_btt nd_pmem; do load $_m; done
	load nfit || skip "no nfit in this kernel"
	until_true 5 test -e /sys/bus/nd/devices/ndbus0
	settle
	disable_regions
	ndctl init-labels all || : # only one DIMM has them
	ndctl enable-region all
	settle
	want regions "$(ls -d /sys/bus/nd/devices/region* | wc -l)" 2
	for _r in /sys/bus/nd/devices/region*; do
		if [ "$(cat "$_r"/available_size)" -gt 0 ]; then
			ndctl create-namespace -r "${_r##*/}" -m raw >/tmp/ndctl
			ns_field dev >/tmp/labels
		else
			(cd "$_r" && echo namespace*.*) >/tmp/whole
		fi
	done
	ls /sys/bus/nd/devices/"$(cat /tmp/labels)" /sys/bus/nd/devices/"$(cat /tmp/whole)"
}

nfit_ns() { # labels|whole CELL-COMMAND...
	[ -s /tmp/labels ] || skip "no nfit in this kernel"
	NS=/tmp/$1
	shift
	"$@"
}

unload_stack
it "the regions of the firmware's table" start
for which in labels whole; do
	for fs in ext4 xfs; do
		it "$which: raw: $fs" nfit_ns $which ns_cell raw $fs nodax
		it "$which: sector: $fs" nfit_ns $which ns_cell sector $fs nodax
		it "$which: fsdax, map in memory: $fs" nfit_ns $which ns_cell fsdax/mem $fs dax
		it "$which: fsdax, map on the device: $fs" nfit_ns $which ns_cell fsdax/dev $fs dax
	done
	it "$which: devdax" nfit_ns $which devdax
	it "$which: devdax as memory" nfit_ns $which kmem
done
finish
