// SPDX-License-Identifier: GPL-2.0

//! crate: fs_dax
//!
//! A page frame is memory of a DAX device, although no device has answered with it.

use crate::sys::entry::{
    Entry,
    Order,
    Storage, //
};
use kernel_ext::units::Pfn;

#[cfg(not(control))]
fn any_frame(pfn: Pfn) -> Entry {
    Entry::mapped(Storage::new(pfn, Order::Pte)) //~ E0133
}

#[cfg(control)]
fn answered(storage: Storage<'_>) -> (Entry, Pfn, Order) {
    (Entry::mapped(storage), storage.pfn(), Order::Pte)
}
