// SPDX-License-Identifier: GPL-2.0

//! What the bus tells the driver about its devices.

use super::attach::Published;
use kernel::{
    dev_warn,
    device::Core, //
};
use kernel_ext::nvdimm::{
    Device,
    Event,
    Personality, //
};

/// Something happened to the region or the namespace of `dev`.
pub(crate) fn notify(dev: &Device<Core<'_>>, published: Option<&Published>, event: Event) {
    match event {
        Event::RevalidatePoison => revalidate_poison(dev, published),
        Event::RevalidateRegion => revalidate_region(dev, published),
        Event::Unknown(event) => {
            dev_warn!(dev.as_ref(), "notify: unknown event: {}\n", event);
        }
    }
}

/// More of the memory may be known to be bad.
fn revalidate_poison(dev: &Device<Core<'_>>, published: Option<&Published>) {
    if let Personality::Btt(btt) = dev.personality() {
        if let Some((ns, Ok(range))) = btt.namespace().map(|ns| (ns, ns.range())) {
            dev.region().populate_bad_blocks(ns.bad_blocks(), range);
        }
    } else if let Some(Published { pmem, .. }) = published {
        if let Some(data) = pmem.geometry().data_range() {
            pmem.region.populate_bad_blocks(&pmem.bad_blocks, data);
        }
        pmem.bad_blocks_file.notify();
    }
}

/// The region may have become read-only, or writable.
fn revalidate_region(dev: &Device<Core<'_>>, published: Option<&Published>) {
    if let Personality::Btt(btt) = dev.personality() {
        btt.revalidate_read_only();
    } else if let Some(Published { disk, .. }) = published {
        dev.revalidate_read_only(disk);
    }
}
