// SPDX-License-Identifier: GPL-2.0

//! Access to a DAX device for its clients: filesystems.
//!
//! Each access calls the C symbol that the header declares for it, so that this file works over the
//! core in C and over the core in Rust.
//!
//! # Windows
//!
//! [`DaxDevice::direct_access`] answers with a [`Window`]: pages that follow each other in memory.
//! A window is never empty, and often shorter than what the caller asked for, for example at the
//! border of a stripe. [`Window::bytes`] returns the [`Bytes`] of it that the caller wants, which
//! may again be fewer; the caller goes on behind them until it has all.
//!
//! Only the device can make a window, and no window outlives the [`ReadGuard`] for which the device
//! made it.
//!
//! # Memory
//!
//! User space may have the same memory mapped and store to it at any time. So there is never a
//! reference or a slice of it: bytes are copied, zeroed and flushed, and nothing else.
//!
//! C header: [`include/linux/dax.h`](srctree/include/linux/dax.h)

mod bytes;

pub use bytes::Bytes;

use super::{
    AccessMode,
    DaxDevice,
    PageOffset, //
};
use crate::{
    bindings,
    error::ehwpoison,
    units::Pfn, //
};
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    error::to_result,
    ffi::{
        c_int,
        c_long,
        c_ulong,
        c_void, //
    },
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*,
    types::NotThreadSafe, //
};

/// The DAX read lock: `kill_dax()` of any device waits until the guard is dropped.
///
/// A task may hold several guards, and may sleep while it holds one. The lock does not say that a
/// device is alive: `kill_dax()` may have returned before.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::dax::{client::read_lock, AccessMode, DaxDevice, PageOffset};
///
/// /// Zeroes the first page of a device, through the CPU cache.
/// fn zero_first_page(device: &DaxDevice) -> Result {
///     let guard = read_lock();
///     let window = device.direct_access(&guard, PageOffset::new(0), 1, AccessMode::Access)?;
///     let bytes = window.bytes(0, 4096);
///     bytes.zero();
///     bytes.flush();
///     Ok(())
/// }
/// # let _ = zero_first_page;
/// ```
///
/// # Invariants
///
/// The current task is inside of the SRCU domain of the core, which it entered with the index `id`.
#[must_use = "devices may be killed as soon as the guard is dropped"]
pub struct ReadGuard {
    id: c_int,
    _not_send: NotThreadSafe,
}

/// Takes the DAX read lock (`dax_read_lock()`).
#[inline]
pub fn read_lock() -> ReadGuard {
    // INVARIANT: The task has just entered, and leaves when the guard is dropped.
    ReadGuard {
        // SAFETY: Any task may enter, as often as it likes; the function has no precondition.
        id: unsafe { bindings::dax_read_lock() },
        _not_send: NotThreadSafe,
    }
}

impl Drop for ReadGuard {
    #[inline]
    fn drop(&mut self) {
        // SAFETY:
        // - By the type invariants the current task, the one that made the guard because a guard is
        //   not `Send`, has entered with this index.
        // - It leaves once, because a guard is dropped once.
        unsafe { bindings::dax_read_unlock(self.id) };
    }
}

/// Turns an error of memory into that of a block device: known poison, `EHWPOISON`, becomes `EIO`
/// (`dax_mem2blk_err()`).
#[inline]
pub fn block_error(e: Error) -> Error {
    if e == ehwpoison() {
        EIO
    } else {
        e
    }
}

impl DaxDevice {
    /// Translates the page `pgoff` to an address, for at most `pages` pages.
    ///
    /// Fails with `ENXIO` if the device is dead, `ERANGE` past its end, `EHWPOISON` if there is
    /// known poison, or `EOPNOTSUPP` if the device has no memory.
    #[inline]
    pub fn direct_access<'a>(
        &'a self,
        guard: &'a ReadGuard,
        pgoff: PageOffset,
        pages: usize,
        mode: AccessMode,
    ) -> Result<Window<'a>> {
        self.translate(guard, pgoff, pages, mode, None)
    }

    /// As [`DaxDevice::direct_access`], and returns also the page frame of the first page.
    #[inline]
    pub fn direct_access_frame<'a>(
        &'a self,
        guard: &'a ReadGuard,
        pgoff: PageOffset,
        pages: usize,
        mode: AccessMode,
    ) -> Result<(Window<'a>, Pfn)> {
        let mut pfn: c_ulong = 0;
        let window = self.translate(guard, pgoff, pages, mode, Some(&mut pfn))?;
        Ok((window, Pfn::new(pfn)))
    }

    /// The common part of the two functions above. The number of the frame goes to `pfn`.
    #[inline]
    fn translate<'a>(
        &'a self,
        _guard: &'a ReadGuard,
        pgoff: PageOffset,
        pages: usize,
        mode: AccessMode,
        pfn: Option<&mut c_ulong>,
    ) -> Result<Window<'a>> {
        let wanted = c_long::try_from(pages).unwrap_or(c_long::MAX);
        let pfn = pfn.map_or(ptr::null_mut(), ptr::from_mut);
        let mut kaddr: *mut c_void = ptr::null_mut();
        // SAFETY:
        // - The device is valid by its type invariants.
        // - The guard says that the caller has the DAX read lock.
        // - `kaddr` is ours, and `pfn` is NULL or came from a reference that is ours.
        let found = unsafe {
            bindings::dax_direct_access(
                self.as_raw(),
                pgoff.pages(),
                wanted,
                mode.as_raw(),
                &mut kaddr,
                pfn,
            )
        };
        if found <= 0 {
            to_result(found as c_int)?;
            return Err(ERANGE);
        }
        // INVARIANT:
        // - The core has found the device alive, and its driver says that it has `found` pages
        //   mapped at `kaddr`, from the page `pgoff` of the device on.
        // - Before the driver unmaps them it calls `kill_dax()`, which waits for the guard, and the
        //   caller has that for `'a`.
        Ok(Window {
            device: self,
            start: pgoff,
            kaddr: NonNull::new(kaddr.cast()).ok_or(EFAULT)?,
            len: (found as usize) << PAGE_SHIFT,
            _guard: PhantomData,
        })
    }

    /// Makes the page `pgoff` persistently zero; known poison is cleared.
    ///
    /// Fails with `ENXIO` if the device is dead, or with `EIO` if the poison stays.
    #[inline]
    pub fn zero_page(&self, _guard: &ReadGuard, pgoff: PageOffset) -> Result {
        // SAFETY:
        // - The device is valid by its type invariants.
        // - The guard says that the caller has the DAX read lock.
        // - The core refuses more than one page, and one it checks against the device.
        to_result(unsafe { bindings::dax_zero_page_range(self.as_raw(), pgoff.pages(), 1) })
    }
}

/// Pages of a device that follow each other in memory, at least one.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::dax::{client::read_lock, AccessMode, DaxDevice, PageOffset};
///
/// /// How many of the `pages` pages from `start` on are one piece of memory.
/// fn contiguous(device: &DaxDevice, start: PageOffset, pages: usize) -> Result<usize> {
///     let guard = read_lock();
///     let window = device.direct_access(&guard, start, pages, AccessMode::Access)?;
///     Ok(window.pages())
/// }
/// # let _ = contiguous;
/// ```
///
/// # Invariants
///
/// - `len` is one page or a multiple.
/// - For `'a`, the `len` bytes at `kaddr` are the pages of `device` from `start` on, mapped for
///   reading and writing but for pages that the kernel unmaps because of a memory error.
/// - For `'a`, the current task has the DAX read lock.
#[must_use = "the window may be shorter than what was asked for"]
pub struct Window<'a> {
    device: &'a DaxDevice,
    start: PageOffset,
    kaddr: NonNull<u8>,
    len: usize,
    _guard: PhantomData<&'a ReadGuard>,
}

impl<'a> Window<'a> {
    /// The number of pages; never 0.
    #[inline]
    pub fn pages(&self) -> usize {
        self.len >> PAGE_SHIFT
    }

    /// The `len` bytes that begin `offset` bytes into the first page, or fewer if the window ends
    /// before.
    ///
    /// `offset` counts modulo the size of a page, so there is at least one byte unless `len` is 0.
    #[inline]
    pub fn bytes(&self, offset: usize, len: usize) -> Bytes<'a> {
        let offset = offset & (PAGE_SIZE - 1);
        // By the type invariants this does not wrap. The compiler does not know, and with `-` made
        // `dax_iomap_rw()` 14 instructions longer.
        let behind = self.len.wrapping_sub(offset);
        // SAFETY: By the type invariants a page or more is mapped at `kaddr`, and `offset` is less
        // than a page.
        let addr = unsafe { self.kaddr.add(offset) };
        // SAFETY: The bytes begin in the first page of the window, whose number is `start`, and end
        // where the window does, or before.
        unsafe { Bytes::from_raw(self.device, self.start, addr, len.min(behind)) }
    }
}
