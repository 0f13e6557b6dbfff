// SPDX-License-Identifier: GPL-2.0

//! crate: fs_dax
//!
//! Writeback takes the tags of entries that have not been flushed, or that a task can still write.

use crate::{
    memory::Memory,
    slot::UnlockedEntry, //
};
use kernel_ext::{
    dax::FileDevice,
    units::PageIndex, //
};

#[cfg(not(control))]
fn not_flushed(entry: UnlockedEntry<'_, '_>, memory: &mut Memory<'_>, _: FileDevice<'_>) {
    if let Ok(run) = entry.lock_run(PageIndex::MAX, memory) {
        drop(run.write_protect().clean()); //~ E0599
    }
}

#[cfg(not(control))]
fn still_writable(entry: UnlockedEntry<'_, '_>, memory: &mut Memory<'_>, device: FileDevice<'_>) {
    if let Ok(run) = entry.lock_run(PageIndex::MAX, memory) {
        drop(run.flush(device).clean()); //~ E0599
    }
}

#[cfg(control)]
fn cleaned(entry: UnlockedEntry<'_, '_>, memory: &mut Memory<'_>, device: FileDevice<'_>) {
    if let Ok(run) = entry.lock_run(PageIndex::MAX, memory) {
        drop(run.write_protect().flush(device).clean());
    }
}
