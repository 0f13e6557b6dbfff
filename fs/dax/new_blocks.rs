// SPDX-License-Identifier: GPL-2.0

//! Blocks that the filesystem zeroes while other tasks come to them.
//!
//! A write or a write fault has the filesystem zero a block that has never been written. ext4 tells
//! other tasks that the block has data before it has zeroed it (`ext4_split_convert_extents()`).
//! If one of them went on, the zeroes would wipe out what it stores, or it would read what the
//! block held for its last owner.
//!
//! So a task that asks for blocks leaves a mark before, and a task that is told of blocks with data
//! looks for marks after that. The filesystem's own locks order the two: a task that finds no mark
//! has been told of blocks that are zeroed.
//!
//! ```text
//! task that has it zeroed  its mark                       task that comes  how it is held back
//! a write                  the inode has direct I/O       a fault          spins, or is tried again
//! a write fault            `invalidate_lock`, shared,     a read           waits for the entry
//!                          and a locked entry             a write          waits for the entry
//! a write fault                                           a fault          the lock of the entry
//! a write                                                 a read, a write  the lock of the inode
//! ```
//!
//! A write does not take the `invalidate_lock`: that is 78 instructions, and hardly ever do two
//! tasks meet like this.

use crate::{
    slot::{
        settle,
        WouldSleep, //
    },
    span::Span,
    sys::mapping::DaxMapping, //
};
use core::hint::spin_loop;
use kernel::prelude::*;
use kernel_ext::{
    fs::inode::Inode,
    iomap::{
        Iter,
        Ops, //
    },
};

/// Goes on to the next extent of a write. Fails like [`Iter::next`].
#[inline]
pub(crate) fn next_for_write<'a>(iter: &mut Iter<'a>, ops: &'a Ops) -> Result<bool> {
    let marked = iter.inode().begin_direct_io();
    iter.next_under(ops, marked)
}

/// Waits for page faults that may be having the blocks of `span` zeroed, after the filesystem has
/// told of the extent at which `iter` is.
///
/// Fails with `EAGAIN` where it would sleep and the iteration must not.
#[inline]
pub(crate) fn wait_for_faults(iter: &Iter<'_>, span: Span) -> Result {
    let mapping = iter.inode().mapping();
    if mapping.is_empty() || !mapping.is_invalidate_locked() {
        return Ok(());
    }
    wait_for_entries(iter, span)
}

#[cold]
#[inline(never)]
fn wait_for_entries(iter: &Iter<'_>, span: Span) -> Result {
    // The task itself has had new blocks zeroed.
    let mapping = match DaxMapping::of(iter.inode().mapping()) {
        Some(mapping) if !iter.map().is_new() => mapping,
        _ => return Ok(()),
    };
    let (first, last) = (span.first_page(), span.last_page());
    settle(mapping, first, last, iter.is_nowait()).map_err(|WouldSleep| EAGAIN)
}

/// Whether a fault may map the extent at which `iter` is. Waits a moment for a write that may be
/// having its blocks zeroed; if that takes longer, the fault has to be tried again.
#[inline]
pub(crate) fn wait_for_write(iter: &Iter<'_>) -> bool {
    iter.map().is_new() || !iter.inode().has_direct_io() || spin_for_write(iter.inode())
}

/// Most writes have nothing zeroed, and are through sooner than a task could sleep. The others may
/// need what the fault holds (a handle of ext4's journal), so it must not wait for them.
#[cold]
#[inline(never)]
fn spin_for_write(inode: &Inode) -> bool {
    const SPINS: usize = 1000;
    for _ in 0..SPINS {
        if !inode.has_direct_io() {
            return true;
        }
        spin_loop();
    }
    false
}
