// SPDX-License-Identifier: GPL-2.0

//! Comparing ranges of two files before the filesystem makes them share blocks (`FIDEDUPERANGE`).
//!
//! If the ranges are the same the filesystem frees the blocks of one file. So a range that cannot
//! be read is never the same as another, and bytes are compared only after a routine that survives
//! memory errors has copied them.

use crate::{
    access::window,
    span::Span, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};
use kernel_ext::{
    dax::client::{
        read_lock,
        Bytes, //
    },
    fs::inode::Inode,
    iomap::{
        ExtentType,
        Flags,
        Iter,
        Map,
        Ops, //
    },
};

/// A position in a file.
#[derive(Clone, Copy)]
pub(crate) struct Position<'a> {
    inode: &'a Inode,
    pos: u64,
}

impl<'a> Position<'a> {
    /// The byte `pos` of the file `inode`.
    #[inline]
    pub(crate) const fn new(inode: &'a Inode, pos: u64) -> Self {
        Self { inode, pos }
    }
}

/// Whether `len` bytes of two files are the same.
///
/// Fails with `EIO` for poison, with `ENOMEM`, or with the error of the filesystem. The caller
/// keeps others from writing to the ranges, by the locks that the filesystem has for this.
pub(crate) fn is_same(a: Position<'_>, b: Position<'_>, len: u64, ops: &Ops) -> Result<bool> {
    let mut scratch = Scratch::new()?;
    let mut a = Iter::new(a.inode, a.pos, len, Flags::DAX);
    let mut b = Iter::new(b.inode, b.pos, len, Flags::DAX);
    while a.next(ops)? && b.next(ops)? {
        let len = a.length().min(b.length());
        if !scratch.compare_extents(&a, &b, len)? {
            return Ok(false);
        }
        a.advance(len)?;
        b.advance(len)?;
    }
    // The iteration may end early, before the filesystem has answered for all of the range.
    Ok(a.remaining() == 0 && b.remaining() == 0)
}

/// Memory for copies of the bytes that are compared.
struct Scratch {
    a: KVec<u8>,
    b: KVec<u8>,
}

impl Scratch {
    fn new() -> Result<Self> {
        Ok(Self {
            a: KVec::from_elem(0, PAGE_SIZE, GFP_KERNEL)?,
            b: KVec::from_elem(0, PAGE_SIZE, GFP_KERNEL)?,
        })
    }

    /// Whether the next `len` bytes, which are inside of the current extents, are the same.
    ///
    /// Two extents that read as zeros are the same. An extent that reads as zeros is not the same
    /// as blocks, even if these have zeros.
    fn compare_extents(&mut self, a: &Iter<'_>, b: &Iter<'_>, len: u64) -> Result<bool> {
        match (a.map().reads_as_zeros(), b.map().reads_as_zeros()) {
            (true, true) => Ok(true),
            (false, false) => {
                let a_span = Span::at(a.pos(), len).ok_or(EINVAL)?;
                let b_span = Span::at(b.pos(), len).ok_or(EINVAL)?;
                self.compare_blocks(a.map(), a_span, b.map(), b_span)
            }
            _ => Ok(false),
        }
    }

    /// Whether the bytes of two spans of the same length are the same. The memory of each may be in
    /// several windows.
    fn compare_blocks(&mut self, a: &Map, a_span: Span, b: &Map, b_span: Span) -> Result<bool> {
        if a.extent_type() != ExtentType::Mapped || b.extent_type() != ExtentType::Mapped {
            return Err(EIO);
        }
        let guard = read_lock();
        let mut left = Some((a_span, b_span));
        while let Some((a_span, b_span)) = left {
            let a_bytes = window(a, &guard, a_span)?.bytes(a_span.offset_in_page(), a_span.size());
            let b_bytes = window(b, &guard, b_span)?.bytes(b_span.offset_in_page(), b_span.size());
            if !self.compare_bytes(&a_bytes, &b_bytes)? {
                return Ok(false);
            }
            let done = a_bytes.len().min(b_bytes.len()) as u64;
            left = a_span.after(done).zip(b_span.after(done));
        }
        Ok(true)
    }

    /// Whether the bytes are the same, as far as both go.
    fn compare_bytes(&mut self, a: &Bytes<'_>, b: &Bytes<'_>) -> Result<bool> {
        let len = a.len().min(b.len());
        for at in (0..len).step_by(PAGE_SIZE) {
            let now = PAGE_SIZE.min(len - at);
            let (a_copy, b_copy) = (&mut self.a[..now], &mut self.b[..now]);
            a.read(at, a_copy)?;
            b.read(at, b_copy)?;
            if a_copy != b_copy {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
