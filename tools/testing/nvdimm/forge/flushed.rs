// SPDX-License-Identifier: GPL-2.0

//! crate: fs_dax
//!
//! An entry is removed without a flush, or flushed while it is mapped.

use crate::{
    memory::Memory,
    slot::LockedEntry,
    sys::folio::References, //
};

#[cfg(not(control))]
fn not_flushed(entry: LockedEntry<'_, '_>, memory: &mut Memory<'_>) {
    drop(entry.unmap().remove(References::None, memory)); //~ E0599
}

#[cfg(not(control))]
fn still_mapped(entry: LockedEntry<'_, '_>, memory: &mut Memory<'_>) {
    drop(entry.flush(memory)); //~ E0599
}

#[cfg(control)]
fn removed(entry: LockedEntry<'_, '_>, memory: &mut Memory<'_>) {
    drop(entry.unmap().flush(memory).remove(References::None, memory));
}
