// SPDX-License-Identifier: GPL-2.0

//! `read()` and `write()`.
//!
//! The filesystem calls with the lock of the inode held: exclusively for writing, and at least
//! shared for reading, unless the filesystem is read-only.

use crate::{
    access::window,
    cow,
    layout::{
        detach,
        detach_readers, //
    },
    new_blocks,
    span::Span, //
};
use kernel::{
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    prelude::*, //
};
use kernel_ext::{
    dax::{
        client::{
            block_error,
            read_lock,
            ReadGuard, //
        },
        AccessMode,
        DaxDevice, //
    },
    error::ehwpoison,
    fs::kiocb::Kiocb,
    iomap::{
        ExtentType,
        Flags,
        Iter,
        Map,
        Ops, //
    },
    iov,
    task::fatal_signal_pending,
    warn_on_once, //
};

/// The result of copying to or from one window.
struct Copied {
    /// The number of bytes that the window has.
    wanted: usize,
    /// How many of them were copied.
    done: usize,
}

/// Reads from the position of `iocb` on, to `to`.
///
/// Returns the number of bytes that were read, which may be fewer than `to` takes. Fails only if
/// there are none: with `EFAULT` for user memory that cannot be written, `EIO` for poison, `EINTR`
/// if the task was killed, or the error of the filesystem.
#[inline]
pub(crate) fn read(iocb: &mut Kiocb, to: &mut IovIterDest<'_>, ops: &Ops) -> Result<usize> {
    if !iocb.inode().is_on_readonly_sb() {
        iocb.inode().assert_locked();
    }
    let len = to.len();
    transfer(
        iocb,
        len,
        Flags::DAX,
        ops,
        |iter, ops| iter.next(ops),
        |iter| read_extent(iter, to),
    )
}

/// Writes the bytes of `from` from the position of `iocb` on. Returns and fails like [`read`].
#[inline]
pub(crate) fn write(iocb: &mut Kiocb, from: &mut IovIterSource<'_>, ops: &Ops) -> Result<usize> {
    iocb.inode().assert_locked_exclusively();
    let (start, len) = (iocb.pos(), from.len());
    let mut replaced = false;
    let result = transfer(
        iocb,
        len,
        Flags::DAX | Flags::WRITE,
        ops,
        new_blocks::next_for_write,
        |iter| {
            replaced |= iter.map().is_shared();
            write_extent(iter, from)
        },
    );
    if replaced {
        // Page faults do not take the lock of the inode, and may have mapped the old blocks again.
        if let Some(span) = Span::new(start, iocb.pos()) {
            detach_readers(iocb.inode().mapping(), span);
        }
    }
    result
}

/// Calls `extent` for each extent of the next `len` bytes of the file, which `next` asks the
/// filesystem for, and moves the position behind the last byte that was transferred. Returns how
/// many were.
#[inline]
fn transfer(
    iocb: &mut Kiocb,
    len: usize,
    flags: Flags,
    ops: &Ops,
    mut next: impl for<'a> FnMut(&mut Iter<'a>, &'a Ops) -> Result<bool>,
    mut extent: impl FnMut(&mut Iter<'_>) -> Result,
) -> Result<usize> {
    if len == 0 {
        return Ok(0);
    }
    let start = iocb.pos();
    let flags = if iocb.is_nowait() {
        flags | Flags::NOWAIT
    } else {
        flags
    };

    let (pos, status) = {
        let mut iter = Iter::new(iocb.inode(), start, len as u64, flags);
        let status = loop {
            match next(&mut iter, ops) {
                Ok(true) => {
                    let status = extent(&mut iter);
                    iter.finish(status);
                }
                Ok(false) => break Ok(()),
                Err(e) => break Err(e),
            }
        };
        (iter.pos(), status)
    };

    iocb.set_pos(pos);
    // Wraps, so that a caller with a position that no file has causes no panic. With `-` the
    // function for C is 5 instructions longer.
    match pos.wrapping_sub(start) as usize {
        0 => status.map(|()| 0),
        done => Ok(done),
    }
}

#[inline]
fn read_extent(iter: &mut Iter<'_>, to: &mut IovIterDest<'_>) -> Result {
    let end = iter.pos().saturating_add(iter.length());
    let Some(span) = Span::new(iter.pos(), end.min(iter.inode().size() as u64)) else {
        // The end of the file.
        return Ok(());
    };
    if iter.map().reads_as_zeros() {
        let done = iov::zero(to, span.size());
        return iter.advance(done as u64);
    }
    check_blocks(iter.map())?;
    new_blocks::wait_for_faults(iter, span)?;

    let guard = read_lock();
    for_each_window(iter, span, &guard, |iter, left| {
        let window = window(iter.map(), &guard, left)?;
        let bytes = window.bytes(left.offset_in_page(), left.size());
        Ok(Copied {
            wanted: bytes.len(),
            done: bytes.copy_to_iter(to),
        })
    })
}

#[inline]
fn write_extent(iter: &mut Iter<'_>, from: &mut IovIterSource<'_>) -> Result {
    let Some(span) = Span::at(iter.pos(), iter.length()) else {
        return Ok(());
    };
    check_blocks(iter.map())?;
    new_blocks::wait_for_faults(iter, span)?;
    let replaces = iter.map().is_shared();
    if replaces {
        detach(iter.inode().mapping(), span);
    } else if iter.map().is_new() {
        // Tasks that read the file may have mapped the hole that was here.
        iter.inode()
            .mapping()
            .invalidate(span.first_page(), span.last_page());
    }

    let guard = read_lock();
    for_each_window(iter, span, &guard, |iter, left| {
        let copied = write_window(iter.map(), &guard, left, from)?;
        if replaces {
            if let Some(written) = left.first(copied.done as u64) {
                cow::fill_around(iter, written)?;
            }
        }
        Ok(copied)
    })
}

/// Writes to the first window of `left`.
#[inline]
fn write_window(
    map: &Map,
    guard: &ReadGuard,
    left: Span,
    from: &mut IovIterSource<'_>,
) -> Result<Copied> {
    let device = map.dax_device()?;
    let pgoff = map.page_offset(left.start());
    match device.direct_access(guard, pgoff, left.pages(), AccessMode::Access) {
        Ok(window) => {
            let bytes = window.bytes(left.offset_in_page(), left.size());
            Ok(Copied {
                wanted: bytes.len(),
                done: bytes.copy_from_iter(from),
            })
        }
        Err(e) if e == ehwpoison() => recover(device, map, guard, left, from),
        Err(e) => Err(e),
    }
}

/// Writes to memory that has known poison, which some devices can clear.
#[cold]
#[inline(never)]
fn recover(
    device: &DaxDevice,
    map: &Map,
    guard: &ReadGuard,
    left: Span,
    from: &mut IovIterSource<'_>,
) -> Result<Copied> {
    let pgoff = map.page_offset(left.start());
    let window = device
        .direct_access(guard, pgoff, left.pages(), AccessMode::RecoveryWrite)
        .map_err(block_error)?;
    let bytes = window.bytes(left.offset_in_page(), left.size());
    Ok(Copied {
        wanted: bytes.len(),
        done: bytes.recovery_write(from),
    })
}

/// Calls `copy` with the rest of `span`, and advances `iter` by what it copied, until nothing is
/// left, or `copy` copies less than its window has, or the task is killed.
#[inline]
fn for_each_window(
    iter: &mut Iter<'_>,
    span: Span,
    guard: &ReadGuard,
    mut copy: impl FnMut(&Iter<'_>, Span) -> Result<Copied>,
) -> Result {
    let mut left = Some(span);
    while let Some(span) = left {
        if fatal_signal_pending() {
            return Err(EINTR);
        }
        let copied = copy(iter, span)?;
        iter.advance(copied.done as u64)?;
        if copied.done == 0 {
            return Err(why_nothing(iter.map(), guard, span));
        }
        if copied.done < copied.wanted {
            return Ok(());
        }
        left = Span::new(iter.pos(), span.end());
    }
    Ok(())
}

/// The error for a copy that stopped before the first byte of `left`.
///
/// The device may have died during the copy, or the kernel may have found poison: then a new access
/// fails, and its error is the answer. Otherwise user memory made the copy stop.
#[cold]
fn why_nothing(map: &Map, guard: &ReadGuard, left: Span) -> Error {
    window(map, guard, left).err().unwrap_or(EFAULT)
}

/// Fails with `EIO`, and a warning, unless the extent has blocks with data, or new ones that
/// replace shared blocks. A filesystem must not answer with another extent where DAX accesses
/// memory.
#[inline]
fn check_blocks(map: &Map) -> Result {
    let good = match map.extent_type() {
        ExtentType::Mapped => true,
        ExtentType::Unwritten => map.is_shared(),
        _ => false,
    };
    if warn_on_once!(!good) {
        return Err(EIO);
    }
    Ok(())
}
