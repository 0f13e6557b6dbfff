// SPDX-License-Identifier: GPL-2.0

//! crate: user
//!
//! Any address is mapped persistent memory.

use core::ptr::NonNull;
use kernel_ext::pmem::MappedRange;

#[cfg(not(control))]
fn anywhere(base: NonNull<u8>) -> MappedRange<'static> {
    MappedRange::from_raw(base, 4096) //~ E0133
}

#[cfg(control)]
fn part(range: MappedRange<'_>) -> Option<NonNull<u8>> {
    NonNull::new(range.split_at(8)?.0.as_ptr())
}
