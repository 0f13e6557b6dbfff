// SPDX-License-Identifier: GPL-2.0

//! The iteration over extents.

use super::{
    ExtentType,
    Flags,
    Map,
    Ops, //
};
use crate::{
    bindings,
    fs::inode::Inode, //
};
use core::marker::PhantomData;
use kernel::{
    error::to_result,
    prelude::*,
    types::NotThreadSafe, //
};

/// Iterates over the extents of a range of a file (`struct iomap_iter`).
///
/// [`Iter::next`] tells the filesystem how much of the last extent was processed. An iterator that
/// its owner leaves halfway, for example by `?`, tells the filesystem when it is dropped that the
/// extent failed.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::{fs::inode::Inode, iomap::{Flags, Iter, Ops}};
///
/// /// How many of the first `len` bytes of a file have blocks.
/// fn bytes_with_blocks(inode: &Inode, len: u64, ops: &Ops) -> Result<u64> {
///     let mut count = 0u64;
///     let mut iter = Iter::new(inode, 0, len, Flags::DAX);
///     while iter.next(ops)? {
///         let length = iter.length();
///         if !iter.map().reads_as_zeros() {
///             count = count.saturating_add(length);
///         }
///         let advanced = iter.advance(length);
///         iter.finish(advanced);
///     }
///     Ok(count)
/// }
/// # let _ = bytes_with_blocks;
/// ```
///
/// # Invariants
///
/// - `raw` is initialised for an inode that lives for `'a`.
/// - `extent` is the table with which `iomap_iter()` was called last, if it returned a positive
///   number, and [`None`] otherwise or before the first call. The filesystem may hold resources for
///   the extent in `raw` as long as it is `Some`.
pub struct Iter<'a> {
    raw: bindings::iomap_iter,
    extent: Option<&'a Ops>,
    _inode: PhantomData<&'a Inode>,
    _not_send: NotThreadSafe,
}

impl<'a> Iter<'a> {
    /// An iterator over the `len` bytes of `inode` from `pos` on. [`Iter::next`] asks for the first
    /// extent.
    #[inline]
    pub fn new(inode: &'a Inode, pos: u64, len: u64, flags: Flags) -> Self {
        // INVARIANT: The reference says that the inode lives for `'a`, and `iomap_iter()` has not
        // been called yet.
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
    /// Returns whether there is one. There is none at the end of the range, nor if the caller has
    /// not advanced since the last extent began. Fails with the error of the filesystem, or with
    /// the one that the caller gave to [`Iter::finish`].
    #[inline]
    pub fn next(&mut self, ops: &'a Ops) -> Result<bool> {
        self.next_under(ops, ())
    }

    /// Like [`Iter::next`], and drops `guard` as soon as the filesystem has answered.
    #[inline]
    pub fn next_under(&mut self, ops: &'a Ops, guard: impl Sized) -> Result<bool> {
        // The table that has answered with an extent also finishes it.
        let ops = self.extent.unwrap_or(ops);
        // SAFETY:
        // - By the type invariants the iterator is initialised, and its inode is alive.
        // - The table is complete by its type invariants, lives for `'a`, and belongs to the
        //   filesystem of the inode, as the function that made the reference to it demands.
        // - If an extent is to be finished, the filesystem gets it with the table that began it.
        let more = unsafe { bindings::iomap_iter(&mut self.raw, ops.as_raw()) };
        // Before the answer is looked at, so that nothing of it has to be kept meanwhile.
        drop(guard);
        // INVARIANT: This was the last call, with this table.
        self.extent = (more > 0).then_some(ops);
        if more < 0 {
            to_result(more)?;
        }
        Ok(more > 0)
    }

    /// Sets the status of the current extent: after an error, [`Iter::next`] ends the iteration and
    /// returns it.
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
        // INVARIANT: This is the map of an iterator, which `iomap_iter()` fills.
        // SAFETY: The map is a part of `self`, and nothing changes it while `self` is borrowed.
        unsafe { &*(&raw const self.raw.iomap).cast() }
    }

    /// The extent that has the data now (`iomap_iter_srcmap()`): the old one for a write that
    /// replaces shared blocks, otherwise [`Iter::map`].
    #[inline]
    pub fn srcmap(&self) -> &Map {
        self.source().unwrap_or(self.map())
    }

    /// The extent that [`Iter::map`] replaces, if it replaces one and that is not a hole.
    #[inline]
    pub fn source(&self) -> Option<&Map> {
        // CAST: `Map` is transparent to the C structure.
        // INVARIANT: This is the map of an iterator, which `iomap_iter()` fills.
        // SAFETY: The map is a part of `self`, and nothing changes it while `self` is borrowed.
        let source: &Map = unsafe { &*(&raw const self.raw.srcmap).cast() };
        (source.extent_type() != ExtentType::Hole).then_some(source)
    }

    /// The file.
    #[inline]
    pub fn inode(&self) -> &'a Inode {
        // SAFETY: By the type invariants the inode lives for `'a`.
        unsafe { Inode::from_raw(self.raw.inode) }
    }

    /// The current position in the file, in bytes.
    #[inline]
    pub fn pos(&self) -> u64 {
        self.raw.pos as u64
    }

    /// Whether the filesystem was asked not to sleep ([`Flags::NOWAIT`]).
    #[inline]
    pub fn is_nowait(&self) -> bool {
        self.raw.flags & Flags::NOWAIT.0 != 0
    }

    /// The number of bytes from the current position to the end of the range.
    #[inline]
    pub fn remaining(&self) -> u64 {
        self.raw.len
    }

    /// How many bytes from the current position on are both in the range and in the extent
    /// (`iomap_length()`).
    ///
    /// Wraps as in C, so that a wrong answer of the filesystem is no panic; the result is never
    /// more than is left of the range. With saturating operations `dax_iomap_rw()` is 26
    /// instructions longer, and `dax_iomap_fault()` 6.
    #[inline]
    pub fn length(&self) -> u64 {
        let end = match self.source() {
            None => self.map().end(),
            Some(source) => self.map().end().min(source.end()),
        };
        self.remaining().min(end.wrapping_sub(self.pos()))
    }

    /// Moves the position on by `count` bytes, which the caller has processed.
    ///
    /// Fails with `EIO`, and a warning, if `count` is more than [`Iter::length`].
    #[inline]
    pub fn advance(&mut self, count: u64) -> Result {
        if count > self.length() {
            // SAFETY: The iterator is initialised by the type invariants. The function warns, and
            // changes nothing.
            return to_result(unsafe { bindings::iomap_iter_advance(&mut self.raw, count) });
        }
        // No more than `length()` is in the range, so neither wraps. The compiler does not know:
        // with checks `dax_iomap_rw()` is 12 instructions longer.
        self.raw.pos = self.raw.pos.wrapping_add(count as i64);
        self.raw.len = self.raw.len.wrapping_sub(count);
        Ok(())
    }
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
    /// Ends an iteration that its owner left halfway.
    #[cold]
    #[inline(never)]
    fn abandon(&mut self, ops: &Ops) {
        self.finish(Err(EIO));
        // SAFETY:
        // - By the type invariants the iterator is initialised, its inode is alive, and `ops` is
        //   the table that began the extent.
        // - After an error the function does not begin another extent, for which the filesystem
        //   would hold resources for good.
        unsafe { bindings::iomap_iter(&mut self.raw, ops.as_raw()) };
    }
}
