// SPDX-License-Identifier: GPL-2.0

//! crate: fs_dax
//!
//! An entry is clean, although its memory has not been flushed.

use crate::slot::LockedEntry;

#[cfg(not(control))]
fn unflushed(entry: LockedEntry<'_, '_>) {
    let _ = crate::slot::locked::Flushed(entry); //~ E0603
}

#[cfg(control)]
fn flushed(entry: LockedEntry<'_, '_>) -> Result<(), kernel::error::Error> {
    entry.flush(|_, _, _| Ok(())).map(|flushed| drop(flushed))
}
