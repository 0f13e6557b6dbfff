// SPDX-License-Identifier: GPL-2.0

//! Changing some of the extents of a range.

use super::{
    Flags,
    Iter,
    Ops, //
};
use crate::fs::inode::Inode;
use kernel::prelude::*;

/// Bytes of a file: `len` of them from the offset `pos` on.
///
/// # Examples
///
/// ```
/// use kernel_ext::iomap::FileRange;
///
/// let first_page = FileRange { pos: 0, len: 4096 };
/// # let _ = first_page;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRange {
    /// The offset of the first byte.
    pub pos: u64,
    /// The number of bytes.
    pub len: u64,
}

/// The answer of the callback of [`change_extents`] for an extent.
///
/// # Examples
///
/// ```
/// use kernel_ext::iomap::{Extent, Map};
///
/// /// The answer for an extent that only has to be written if files share it.
/// fn answer(map: &Map) -> Extent {
///     if map.is_shared() {
///         Extent::Changed
///     } else {
///         Extent::LeftAlone
///     }
/// }
/// # let _ = answer;
/// ```
pub enum Extent {
    /// It wrote the extent, as far as it advanced the iterator.
    Changed,
    /// It wrote nothing, and need not be called again for the rest of the extent.
    LeftAlone,
}

/// Calls `change` for each extent of `range` of a file, for a `change` that leaves some extents
/// alone. May sleep.
///
/// The filesystem learns which bytes were written. An iterator that advances over an extent says
/// that the extent was written, and then xfs gives the file the blocks that it keeps for a copy on
/// write. So an extent that `change` leaves alone ends one iteration, and another begins behind it.
///
/// Fails with the error of `change` or of the filesystem.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::{
///     fs::inode::Inode,
///     iomap::{change_extents, Extent, FileRange, Flags, Ops}, //
/// };
///
/// /// Calls `write` for each extent of the first page that has data.
/// fn write_data(inode: &Inode, ops: &Ops, write: fn(u64) -> Result) -> Result {
///     let range = FileRange { pos: 0, len: 4096 };
///     change_extents(inode, range, Flags::DAX | Flags::WRITE, ops, |iter| {
///         if iter.map().reads_as_zeros() {
///             return Ok(Extent::LeftAlone);
///         }
///         write(iter.length())?;
///         iter.advance(iter.length())?;
///         Ok(Extent::Changed)
///     })
/// }
/// # let _ = write_data;
/// ```
pub fn change_extents(
    inode: &Inode,
    range: FileRange,
    flags: Flags,
    ops: &Ops,
    mut change: impl FnMut(&mut Iter<'_>) -> Result<Extent>,
) -> Result {
    let mut pos = range.pos;
    let end = pos.saturating_add(range.len);
    while pos < end {
        let mut iter = Iter::new(inode, pos, end - pos, flags);
        pos = end;
        while iter.next(ops)? {
            let done = change(&mut iter);
            pos = match done {
                // Without progress `next()` ends the iteration.
                Ok(Extent::LeftAlone) => iter.pos().saturating_add(iter.length()),
                _ => end,
            };
            iter.finish(done.map(|_| ()));
        }
    }
    Ok(())
}
