// SPDX-License-Identifier: GPL-2.0

//! Changes of regions and namespaces that the bus reports.

use super::attach::Published;
use kernel::{
    dev_warn,
    device::Core, //
};
use kernel_ext::nvdimm::{
    Event,
    NdDevice,
    Personality, //
};

/// Reacts to a change of the region or the namespace of `dev`.
pub(crate) fn notify(dev: &NdDevice<Core<'_>>, published: Option<&Published>, event: Event) {
    match event {
        Event::RevalidatePoison => revalidate_poison(dev, published),
        Event::RevalidateRegion => revalidate_region(dev, published),
        Event::Unknown(event) => {
            dev_warn!(dev.as_ref(), "notify: unknown event: {}\n", event);
        }
    }
}

/// Adds memory that the bus has learned to be bad to the list of bad sectors.
fn revalidate_poison(dev: &NdDevice<Core<'_>>, published: Option<&Published>) {
    if let Personality::Btt(btt) = dev.personality() {
        if let Some((bad_blocks, range)) = btt.bad_blocks() {
            dev.region().populate_bad_blocks(bad_blocks, range);
        }
    } else if let Some(Published { pmem, .. }) = published {
        pmem.populate_bad_blocks();
        pmem.bad_blocks_file.notify();
    }
}

/// Makes the disk read-only or writable, as the region is now.
fn revalidate_region(dev: &NdDevice<Core<'_>>, published: Option<&Published>) {
    if let Personality::Btt(btt) = dev.personality() {
        btt.revalidate_read_only();
    } else if let Some(Published { disk, .. }) = published {
        dev.revalidate_read_only(disk);
    }
}
