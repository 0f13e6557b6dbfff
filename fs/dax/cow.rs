// SPDX-License-Identifier: GPL-2.0

//! Copy-on-write: giving a file blocks of its own in place of shared ones.
//!
//! The filesystem answers with two extents: new blocks, and the source, whose data they are to have
//! where they are not overwritten. Blocks are replaced as a whole, and are pages, so what has to be
//! copied for a write are the parts of its first and of its last page that it leaves. A source that
//! is a hole or has never been written stands for zeros, because what the new blocks hold belonged
//! to somebody else.
//!
//! Everything that is put into new blocks here is also flushed: it was persistent where it was, and
//! has no dirty tag from which `fsync()` would know about it.

use crate::{
    access::window,
    span::Span, //
};
use kernel::prelude::*;
use kernel_ext::{
    dax::client::read_lock,
    iomap::{
        ExtentType,
        Iter,
        Map, //
    },
};

/// Gives the bytes `span` of the current extent what the file has there.
///
/// Fails with `EIO` at a memory error in the old or the new blocks. May sleep.
#[inline(never)]
pub(crate) fn fill(iter: &Iter<'_>, span: Span) -> Result {
    match iter.source() {
        None => zero(iter.map(), span),
        Some(source) => match source.extent_type() {
            ExtentType::Hole | ExtentType::Unwritten => zero(iter.map(), span),
            ExtentType::Mapped => copy(iter.map(), source, span),
            ExtentType::Delalloc | ExtentType::Other => Err(EIO),
        },
    }
}

/// As [`fill`], for what the pages of `written` have around it.
///
/// To be called when it is known what has been written: a write may end early, and then the rest of
/// the page in which it ended is part of the tail.
#[inline]
pub(crate) fn fill_around(iter: &Iter<'_>, written: Span) -> Result {
    [written.head(), written.tail()]
        .into_iter()
        .flatten()
        .try_for_each(|edge| fill(iter, edge))
}

/// Copies `span` from one extent to another. Either may be in pieces.
fn copy(to: &Map, from: &Map, span: Span) -> Result {
    let guard = read_lock();
    span.consume(|left| {
        let target = window(to, &guard, left)?;
        let source = window(from, &guard, left)?.bytes(left.offset_in_page(), left.size());
        let done = target
            .bytes(left.offset_in_page(), left.size())
            .copy(&source)?;
        target.bytes(left.offset_in_page(), done).flush();
        left.first(done as u64).ok_or(EIO)
    })
}

/// Zeroes `span`, which may be in pieces.
fn zero(to: &Map, span: Span) -> Result {
    let guard = read_lock();
    span.consume(|left| {
        let target = window(to, &guard, left)?.bytes(left.offset_in_page(), left.size());
        target.zero();
        target.flush();
        left.first(target.len() as u64).ok_or(EIO)
    })
}
