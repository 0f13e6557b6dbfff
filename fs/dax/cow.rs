// SPDX-License-Identifier: GPL-2.0

//! Copy-on-write: giving a file blocks of its own in place of shared ones.
//!
//! The filesystem answers with two extents: new blocks, and the source, whose data the new blocks
//! get where the write does not overwrite them. The filesystem replaces whole blocks, and a block
//! is a page, so a write has to copy the parts of its first and of its last page that it does not
//! cover. For a source that is a hole or was never written, these parts are zeroed, because new
//! blocks hold data of another file.
//!
//! This code flushes what it stores to new blocks: the data was persistent in the source, and there
//! is no dirty tag by which `fsync()` would find it.

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

/// Stores to the new blocks of `span`, which is inside of the current extent, what the file has
/// there.
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

/// Like [`fill`], for the bytes around `written` in its first and its last page.
///
/// The caller calls this after it has written: a write may end early, and then the rest of the page
/// in which it ended has to come from the source.
#[inline]
pub(crate) fn fill_around(iter: &Iter<'_>, written: Span) -> Result {
    [written.head(), written.tail()]
        .into_iter()
        .flatten()
        .try_for_each(|edge| fill(iter, edge))
}

/// Copies `span` from one extent to another. The memory of each may be in several windows.
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

/// Zeroes `span`, whose memory may be in several windows.
fn zero(to: &Map, span: Span) -> Result {
    let guard = read_lock();
    span.consume(|left| {
        let target = window(to, &guard, left)?.bytes(left.offset_in_page(), left.size());
        target.zero();
        target.flush();
        left.first(target.len() as u64).ok_or(EIO)
    })
}
