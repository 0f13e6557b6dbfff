// SPDX-License-Identifier: GPL-2.0

//! crate: fs_dax
//!
//! Entries of DAX get into a page cache.

use crate::{
    slot::Slot,
    sys::{
        entry::Order,
        mapping::DaxMapping, //
    },
};
use kernel_ext::{
    fs::mapping::AddressSpace,
    units::PageIndex, //
};

#[cfg(not(control))]
fn slot_of(cache: &AddressSpace) -> Slot<'_> {
    let _: Option<&DaxMapping> = None;
    Slot::new(cache, PageIndex::ZERO, Order::Pte) //~ E0308
}

#[cfg(control)]
fn slot_of(file: &AddressSpace) -> Option<Slot<'_>> {
    DaxMapping::of(file).map(|file| Slot::new(file, PageIndex::ZERO, Order::Pte))
}
