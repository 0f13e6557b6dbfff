// SPDX-License-Identifier: GPL-2.0

//! Zeroing parts of a file.
//!
//! The device zeroes whole pages, one at a time: the core of DAX refuses more at once, because
//! targets of device-mapper cannot split a range. A driver stores the zeros around the CPU cache,
//! which costs less than to store them through it and to flush it, and clears poison.

use crate::{
    access::window,
    cow,
    layout::detach,
    span::Span, //
};
use kernel::prelude::*;
use kernel_ext::{
    dax::client::read_lock,
    fs::inode::Inode,
    iomap::{
        change_extents,
        Extent,
        FileRange,
        Flags,
        Iter,
        Ops, //
    },
};

/// Stores zeros, persistently, to `len` bytes of the file from `pos` on.
///
/// Leaves holes and extents that were never written alone, and sets `did_zero` if there were
/// others. Fails with `EIO` for poison in a page that is not zeroed as a whole, or with the error
/// of the filesystem.
///
/// The caller keeps others from the range, by the locks that the filesystem has for this.
pub(crate) fn zero_range(
    inode: &Inode,
    pos: u64,
    len: u64,
    did_zero: &mut bool,
    ops: &Ops,
) -> Result {
    let flags = Flags::DAX | Flags::ZERO;
    change_extents(inode, FileRange { pos, len }, flags, ops, |iter| {
        zero_extent(iter, did_zero)
    })
}

/// Like [`zero_range`], for the bytes from `pos` to the end of its block.
pub(crate) fn truncate_page(inode: &Inode, pos: u64, did_zero: &mut bool, ops: &Ops) -> Result {
    let block = 1u64 << inode.block_bits();
    match pos % block {
        0 => Ok(()),
        offset => zero_range(inode, pos, block - offset, did_zero, ops),
    }
}

/// Zeroes what is left of the current extent, unless it reads as zeros.
fn zero_extent(iter: &mut Iter<'_>, did_zero: &mut bool) -> Result<Extent> {
    if iter.srcmap().reads_as_zeros() {
        return Ok(Extent::LeftAlone);
    }
    if let Some(span) = Span::at(iter.pos(), iter.length()) {
        if iter.map().is_shared() {
            detach(iter.inode().mapping(), span);
        }
        span.consume(|left| -> Result<_> {
            let part = left.in_first_page();
            zero_in_page(iter, part)?;
            iter.advance(part.len())?;
            Ok(part)
        })?;
    }
    *did_zero = true;
    Ok(Extent::Changed)
}

/// Zeroes `part`, which is inside of one page.
fn zero_in_page(iter: &Iter<'_>, part: Span) -> Result {
    let map = iter.map();
    let guard = read_lock();
    if part.is_whole_pages() {
        return map
            .dax_device()?
            .zero_page(&guard, map.page_offset(part.start()));
    }
    let bytes = window(map, &guard, part)?.bytes(part.offset_in_page(), part.size());
    bytes.zero();
    bytes.flush();
    if map.is_shared() {
        cow::fill_around(iter, part)?;
    }
    Ok(())
}
