#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The matrix, NFIT: every mode of namespaces in a region with labels and in one without.
# boot: matrix-nfit
# mem: 2G
# qemu: -object memory-backend-ram,id=nv0,size=384M -device nvdimm,id=n0,memdev=nv0,label-size=128K
# qemu: -object memory-backend-ram,id=nv1,size=384M -device nvdimm,id=n1,memdev=nv1
# lanes: ctwin stock
# tier: full
# timeout: 400
# shellcheck shell=dash
. ./ktap.sh
. ./provider-lib.sh
. ./matrix-lib.sh

plan 21

start() {
	load_providers
	blank_labels
	two_regions
	whole_namespace >/tmp/whole
	ndctl create-namespace -r "$(labelled_region)" -m raw >/tmp/ndctl
	ns_field dev >/tmp/labels
}

provided_by nfit
it "the regions of the firmware's table" start
for which in labels whole; do
	NS=/tmp/$which
	ns_cells "$which: " raw:nodax sector:nodax fsdax/mem:dax fsdax/dev:dax
done
finish
