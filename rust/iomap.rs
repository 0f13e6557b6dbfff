// SPDX-License-Identifier: GPL-2.0

//! Extent maps of files: where the filesystem keeps the bytes of a range.
//!
//! A filesystem answers with one extent at a time, and may hold resources for it until it is told
//! how much of the extent was dealt with. [`Iter`] asks for one extent after the other and tells.
//!
//! C header: [`include/linux/iomap.h`](srctree/include/linux/iomap.h)

use crate::{
    bindings,
    dax::{
        DaxDevice,
        PageOffset, //
    },
    error::eopnotsupp,
    fs::inode::Inode, //
};
use core::{
    marker::PhantomData,
    ops::BitOr,
    ptr::NonNull, //
};
use kernel::{
    error::to_result,
    page::{
        PAGE_MASK,
        PAGE_SHIFT, //
    },
    prelude::*,
    types::{
        NotThreadSafe,
        Opaque, //
    },
};

/// How a filesystem is asked for extents (`struct iomap_ops`).
///
/// # Invariants
///
/// Is a complete table, whose functions may be called from contexts that may sleep.
#[repr(transparent)]
pub struct Ops(Opaque<bindings::iomap_ops>);

impl Ops {
    /// The table at `ptr`.
    ///
    /// # Safety
    ///
    /// `ptr` must be a complete table that lives for `'a`, of the filesystem whose files it is used
    /// for.
    #[inline]
    pub const unsafe fn from_raw<'a>(ptr: *const bindings::iomap_ops) -> &'a Self {
        // CAST: `Ops` is transparent to the C structure.
        // SAFETY: The caller ensures that the pointer is valid for `'a`.
        unsafe { &*ptr.cast() }
    }

    #[inline]
    fn as_raw(&self) -> *const bindings::iomap_ops {
        self.0.get()
    }
}

/// What the extents are wanted for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Flags(u32);

impl Flags {
    /// Direct access; without any other flag, for reading.
    pub const DAX: Self = Self(bindings::IOMAP_DAX);
    /// Writing: blocks are allocated.
    pub const WRITE: Self = Self(bindings::IOMAP_WRITE);
    /// Zeroing: holes may stay.
    pub const ZERO: Self = Self(bindings::IOMAP_ZERO);
    /// A page fault.
    pub const FAULT: Self = Self(bindings::IOMAP_FAULT);
    /// Do not sleep; the filesystem answers `EAGAIN` instead.
    pub const NOWAIT: Self = Self(bindings::IOMAP_NOWAIT);
    /// Blocks that are shared with other files are copied.
    pub const UNSHARE: Self = Self(bindings::IOMAP_UNSHARE);
}

impl BitOr for Flags {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What an extent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtentType {
    /// No blocks: reads as zeros.
    Hole,
    /// Blocks that are to be allocated later.
    Delalloc,
    /// Blocks with data.
    Mapped,
    /// Blocks that have not been written: reads as zeros.
    Unwritten,
    /// Data in the inode, or something newer than this code.
    Other,
}

/// An extent, as the filesystem answered (`struct iomap`).
#[repr(transparent)]
pub struct Map(bindings::iomap);

impl Map {
    /// What the extent is.
    #[inline]
    pub fn extent_type(&self) -> ExtentType {
        match u32::from(self.0.type_) {
            bindings::IOMAP_HOLE => ExtentType::Hole,
            bindings::IOMAP_DELALLOC => ExtentType::Delalloc,
            bindings::IOMAP_MAPPED => ExtentType::Mapped,
            bindings::IOMAP_UNWRITTEN => ExtentType::Unwritten,
            _ => ExtentType::Other,
        }
    }

    /// Whether the extent has no data and reads as zeros.
    #[inline]
    pub fn reads_as_zeros(&self) -> bool {
        matches!(self.extent_type(), ExtentType::Hole | ExtentType::Unwritten)
    }

    #[inline]
    fn has(&self, flag: u32) -> bool {
        u32::from(self.0.flags) & flag != 0
    }

    /// Whether the blocks have just been allocated.
    #[inline]
    pub fn is_new(&self) -> bool {
        self.has(bindings::IOMAP_F_NEW)
    }

    /// Whether metadata that is needed to find the data has yet to be committed.
    #[inline]
    pub fn is_dirty(&self) -> bool {
        self.has(bindings::IOMAP_F_DIRTY)
    }

    /// Whether the blocks are shared with other files; of an extent to be written, whether it
    /// replaces blocks that were.
    #[inline]
    pub fn is_shared(&self) -> bool {
        self.has(bindings::IOMAP_F_SHARED)
    }

    /// The device with the blocks.
    ///
    /// Fails with `EOPNOTSUPP` if that is not a DAX device.
    #[inline]
    pub fn dax_device(&self) -> Result<&DaxDevice> {
        let device = NonNull::new(self.0.dax_dev).ok_or_else(eopnotsupp)?;
        // SAFETY: The filesystem that answered with this extent has a reference to the device as
        // long as it is mounted, and it is while somebody iterates over a file.
        Ok(unsafe { DaxDevice::from_raw(device) })
    }

    /// Where on the device the page is that holds the byte `pos` of the file.
    ///
    /// Means something only if the extent has blocks, and `pos` is inside.
    #[inline]
    pub fn page_offset(&self, pos: u64) -> PageOffset {
        let bytes = self
            .0
            .addr
            .wrapping_add(pos & PAGE_MASK as u64)
            .wrapping_sub(self.0.offset as u64);
        PageOffset::new((bytes >> PAGE_SHIFT) as usize)
    }

    /// The end of the extent, in bytes from the start of the file.
    #[inline]
    fn end(&self) -> u64 {
        (self.0.offset as u64).wrapping_add(self.0.length)
    }
}

/// Iterates over the extents of a range of a file (`struct iomap_iter`).
///
/// ```ignore
/// let mut iter = Iter::new(inode, pos, len, Flags::DAX);
/// while iter.next(ops)? {
///     let done = deal_with(iter.map(), iter.pos(), iter.length());
///     iter.finish(done.and_then(|n| iter.advance(n)));
/// }
/// ```
///
/// The filesystem learns from [`Iter::next`] what became of an extent. An iteration that is left
/// halfway, be it by `?`, counts as failed, and the filesystem is told when `Iter` is dropped.
///
/// # Invariants
///
/// `extent` is `Some` if and only if `iomap_iter()` with that table has returned a positive number
/// last.
pub struct Iter<'a> {
    raw: bindings::iomap_iter,
    extent: Option<&'a Ops>,
    _inode: PhantomData<&'a Inode>,
    _not_send: NotThreadSafe,
}

impl<'a> Iter<'a> {
    /// Will iterate over the `len` bytes of `inode` from `pos` on.
    #[inline]
    pub fn new(inode: &'a Inode, pos: u64, len: u64, flags: Flags) -> Self {
        // INVARIANT: Nobody has asked yet.
        Self {
            raw: bindings::iomap_iter {
                inode: inode.as_raw(),
                pos: pos as i64,
                len,
                flags: flags.0,
                ..pin_init::zeroed()
            },
            extent: None,
            _inode: PhantomData,
            _not_send: NotThreadSafe,
        }
    }

    /// Finishes the current extent and goes on to the next. May sleep.
    ///
    /// Returns whether there is one: there is not at the end of the range, nor if nothing of the
    /// last extent was dealt with. Fails with what the filesystem says, or with the error that was
    /// given to [`Iter::finish`].
    #[inline]
    pub fn next(&mut self, ops: &'a Ops) -> Result<bool> {
        // The table that has answered with an extent also finishes it.
        let ops = self.extent.unwrap_or(ops);
        // SAFETY: The inode lives for `'a`, and the table is valid by its type invariants.
        let more = unsafe { bindings::iomap_iter(&mut self.raw, ops.as_raw()) };
        // INVARIANT: As `iomap_iter()` has just said.
        self.extent = (more > 0).then_some(ops);
        if more < 0 {
            to_result(more)?;
        }
        Ok(more > 0)
    }

    /// Notes what became of the current extent: an error ends the iteration at the next
    /// [`Iter::next`], which returns it.
    #[inline]
    pub fn finish(&mut self, status: Result) {
        self.raw.status = match status {
            Ok(()) => 0,
            Err(e) => e.to_errno(),
        };
    }

    /// The extent that holds the current position.
    #[inline]
    pub fn map(&self) -> &Map {
        // CAST: `Map` is transparent to the C structure.
        // SAFETY: The reference is valid for the same lifetime.
        unsafe { &*(&raw const self.raw.iomap).cast() }
    }

    /// The extent that has the current data: for a write that allocates new blocks in place of
    /// shared ones the old extent, otherwise [`Iter::map`] (`iomap_iter_srcmap()`).
    #[inline]
    pub fn srcmap(&self) -> &Map {
        self.source().unwrap_or(self.map())
    }

    /// The extent whose data a new one replaces, unless that is a hole, or nothing is replaced.
    #[inline]
    pub fn source(&self) -> Option<&Map> {
        // CAST: `Map` is transparent to the C structure.
        // SAFETY: The reference is valid for the same lifetime.
        let source: &Map = unsafe { &*(&raw const self.raw.srcmap).cast() };
        (source.extent_type() != ExtentType::Hole).then_some(source)
    }

    /// The file.
    #[inline]
    pub fn inode(&self) -> &'a Inode {
        // SAFETY: It came from a reference with this lifetime.
        unsafe { Inode::from_raw(self.raw.inode) }
    }

    /// The current position in the file, in bytes.
    #[inline]
    pub fn pos(&self) -> u64 {
        self.raw.pos as u64
    }

    /// What is left of the range, in bytes, of this and later extents.
    #[inline]
    pub fn remaining(&self) -> u64 {
        self.raw.len
    }

    /// How many bytes from the current position on are both in the range and in the extent
    /// (`iomap_length()`).
    #[inline]
    pub fn length(&self) -> u64 {
        let end = match self.source() {
            None => self.map().end(),
            Some(source) => self.map().end().min(source.end()),
        };
        self.remaining().min(end.wrapping_sub(self.pos()))
    }

    /// The next `count` bytes have been dealt with.
    ///
    /// Fails with `EIO`, and a warning, if that is more than [`Iter::length`].
    #[inline]
    pub fn advance(&mut self, count: u64) -> Result {
        if count > self.length() {
            // SAFETY: The structure is valid; the function will refuse and warn.
            return to_result(unsafe { bindings::iomap_iter_advance(&mut self.raw, count) });
        }
        // These stay inside the range, as `length()` does.
        self.raw.pos = self.raw.pos.wrapping_add(count as i64);
        self.raw.len = self.raw.len.wrapping_sub(count);
        Ok(())
    }
}

/// What was done with an extent that may be changed.
pub enum Extent {
    /// It has been written, as far as the iterator was advanced.
    Changed,
    /// Nothing at all, and nothing is to be.
    LeftAlone,
}

/// Calls `change` for each extent of the `len` bytes of `inode` from `pos` on, where not every extent
/// need be changed. May sleep.
///
/// The filesystem is told what was written. To advance over an extent that was left alone is to say
/// that it was written, and then xfs makes blocks the file's which it keeps there for a copy on write.
///
/// Fails with what `change` or the filesystem says.
pub fn change_extents(
    inode: &Inode,
    (mut pos, len): (u64, u64),
    flags: Flags,
    ops: &Ops,
    mut change: impl FnMut(&mut Iter<'_>) -> Result<Extent>,
) -> Result {
    let end = pos.saturating_add(len);
    while pos < end {
        let mut iter = Iter::new(inode, pos, end - pos, flags);
        pos = end;
        while iter.next(ops)? {
            let done = change(&mut iter);
            pos = match done {
                // Without progress the iteration ends; another begins behind the extent.
                Ok(Extent::LeftAlone) => iter.pos().saturating_add(iter.length()),
                _ => end,
            };
            iter.finish(done.map(|_| ()));
        }
    }
    Ok(())
}

impl Drop for Iter<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(ops) = self.extent {
            self.abandon(ops);
        }
    }
}

impl Iter<'_> {
    /// Ends an iteration that was left halfway.
    #[cold]
    #[inline(never)]
    fn abandon(&mut self, ops: &Ops) {
        self.finish(Err(EIO));
        // SAFETY: As in `next()`. It does not begin another extent after an error.
        unsafe { bindings::iomap_iter(&mut self.raw, ops.as_raw()) };
    }
}
