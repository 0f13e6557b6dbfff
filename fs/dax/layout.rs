// SPDX-License-Identifier: GPL-2.0

//! Breaking the layout of a file: before a filesystem moves, shares or frees blocks.
//!
//! Three steps, while the filesystem keeps faults out:
//!
//! 1. The pages are taken out of all page tables.
//! 2. The caller waits for tasks that use a page without a mapping (I/O in flight, registered
//!    buffers). A new user would have to find the page in a page table.
//! 3. The entries are removed.
//!
//! A dirty entry is flushed before it is removed, unless its data goes away with it. C forgets such
//! entries, and an fsync() that follows does not flush them. They cannot be left for the fsync() to
//! find: a filesystem that truncates a file expects to find none (Documentation/fs-dax.rst).

mod break_layout;
mod detach;
mod entries;
mod range;

pub(crate) use break_layout::{
    break_layout,
    break_layout_final,
    delete_range,
    unmap_and_find_busy, //
};
pub(crate) use detach::{
    detach,
    detach_readers, //
};
pub(crate) use entries::{
    delete,
    invalidate, //
};
pub(crate) use range::PageRange;
