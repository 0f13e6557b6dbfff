// SPDX-License-Identifier: GPL-2.0

//! Giving a file blocks of its own where it shares them with other files
//! (`FALLOC_FL_UNSHARE_RANGE`).

use crate::{
    cow,
    layout::detach,
    span::Span, //
};
use kernel::prelude::*;
use kernel_ext::{
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

/// Replaces the shared blocks of `len` bytes from `pos` on, up to the end of the file, by copies.
///
/// Fails with `EIO` for poison, or with the error of the filesystem. The caller keeps others from
/// the range, by the locks that the filesystem has for this.
pub(crate) fn unshare(inode: &Inode, pos: i64, len: i64, ops: &Ops) -> Result {
    let size = inode.size();
    if pos < 0 || pos >= size {
        return Ok(());
    }
    let range = FileRange {
        pos: pos as u64,
        len: len.min(size - pos) as u64,
    };
    let flags = Flags::DAX | Flags::WRITE | Flags::UNSHARE;
    change_extents(inode, range, flags, ops, unshare_extent)
}

/// Copies the blocks of what is left of the current extent, if they are shared.
fn unshare_extent(iter: &mut Iter<'_>) -> Result<Extent> {
    if !iter.map().is_shared() {
        return Ok(Extent::LeftAlone);
    }
    // The filesystem replaces whole blocks.
    let length = iter.length();
    let span = Span::at(iter.pos(), length).ok_or(EIO)?.whole_pages();
    detach(iter.inode().mapping(), span);
    cow::fill(iter, span)?;
    iter.advance(length)?;
    Ok(Extent::Changed)
}
