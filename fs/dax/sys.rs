// SPDX-License-Identifier: GPL-2.0

//! Machinery of filesystem-DAX over C: safe types, with the unsafe code inside.
//!
//! - [`mapping`]: address spaces of which DAX may use `i_pages`
//! - [`entry`]: entries, and the evidence that they are made of
//! - [`cursor`], [`guard`]: positions in `i_pages`, and all that happens under its lock
//! - [`lock`]: the lock of an entry, as a value
//! - [`wait`]: the wait queues of entries
//! - [`folio`]: the folios that the memory of entries is
//! - [`storage`]: device memory and pages of zeros, for which entries can be made
//! - [`trace`]: trace events

pub(crate) mod cursor;
pub(crate) mod entry;
pub(crate) mod folio;
pub(crate) mod guard;
pub(crate) mod lock;
pub(crate) mod mapping;
pub(crate) mod storage;
pub(crate) mod trace;
pub(crate) mod wait;
