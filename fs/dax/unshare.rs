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

/// Replaces the shared blocks of `len` bytes from `pos` on by copies; what lies past the end of the
/// file is left alone.
///
/// Fails with `EIO` for poison, or with what the filesystem says. The caller holds what keeps
/// others from the range: the inode's lock and that of its mapping.
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

fn unshare_extent(iter: &mut Iter<'_>) -> Result<Extent> {
    if !iter.map().is_shared() {
        return Ok(Extent::LeftAlone);
    }
    // Blocks are replaced as a whole.
    let length = iter.length();
    let span = Span::at(iter.pos(), length).ok_or(EIO)?.whole_pages();
    detach(iter.inode().mapping(), span);
    cow::fill(iter, span)?;
    iter.advance(length)?;
    Ok(Extent::Changed)
}
