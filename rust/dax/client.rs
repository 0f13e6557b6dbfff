// SPDX-License-Identifier: GPL-2.0

//! What a filesystem does with a DAX device.
//!
//! Each access calls the C symbol that the header declares for it, so that this file works over the
//! core in C and over the core in Rust.
//!
//! # Windows
//!
//! [`DaxDevice::direct_access`] answers with a [`Window`]: pages that follow each other in memory. A
//! window is never empty, and often shorter than what the caller asked for, for example at the
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
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    page::{
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    prelude::*,
    types::NotThreadSafe, //
};

/// The most bytes that one call of `copy_mc_to_kernel()` copies. Its length has 32 bits.
const COPY_MAX: usize = 1 << 20;

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

    /// What the two functions above have in common; `pfn` is where the number of the frame goes.
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
        // INVARIANT: The bytes begin in the first page of the window, whose number is `start`, and
        // end where the window does, or before.
        Bytes {
            device: self.device,
            page: self.start,
            // SAFETY: By the type invariants a page or more is mapped at `kaddr`, and `offset` is
            // less than a page.
            addr: unsafe { self.kaddr.add(offset) },
            len: len.min(behind),
            _guard: PhantomData,
        }
    }
}

/// Bytes of a [`Window`].
///
/// # Examples
///
/// ```
/// use kernel::{iov::IovIterDest, prelude::*};
/// use kernel_ext::dax::{
///     client::{read_lock, Bytes},
///     AccessMode,
///     DaxDevice,
///     PageOffset, //
/// };
///
/// /// Reads the start of a device; returns how many bytes were read.
/// fn read_start(device: &DaxDevice, to: &mut IovIterDest<'_>) -> Result<usize> {
///     let guard = read_lock();
///     let window = device.direct_access(&guard, PageOffset::new(0), 1, AccessMode::Access)?;
///     let bytes: Bytes<'_> = window.bytes(0, to.len());
///     Ok(bytes.copy_to_iter(to))
/// }
/// # let _ = read_start;
/// ```
///
/// # Invariants
///
/// The `len` bytes at `addr` are inside of a [`Window`] of `device` with the lifetime `'a`, and begin
/// in the page `page` of the device.
#[must_use = "these may be fewer bytes than were asked for"]
pub struct Bytes<'a> {
    device: &'a DaxDevice,
    page: PageOffset,
    addr: NonNull<u8>,
    len: usize,
    _guard: PhantomData<&'a ReadGuard>,
}

impl Bytes<'_> {
    /// How many bytes these are.
    #[expect(clippy::len_without_is_empty)]
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn as_ptr(&self) -> *mut c_void {
        self.addr.as_ptr().cast()
    }

    /// Stores the next bytes of `iter`, as the device prefers (`dax_copy_from_iter()`).
    ///
    /// Returns how many were stored: fewer than [`Bytes::len`] if user memory cannot be read, or
    /// if the device is dead.
    #[inline]
    pub fn copy_from_iter(&self, iter: &mut IovIterSource<'_>) -> usize {
        // SAFETY:
        // - The device is valid by its type invariants.
        // - By the type invariants the bytes are inside of a window: its device has them mapped, in
        //   the page that is named, and the current task has the DAX read lock.
        // - By its type invariants `iter` is a valid source, and it is ours while we borrow it.
        unsafe {
            bindings::dax_copy_from_iter(
                self.device.as_raw(),
                self.page.pages(),
                self.as_ptr(),
                self.len,
                iter.as_raw(),
            )
        }
    }

    /// Stores the next bytes of `iter` to memory that has poison, which goes away
    /// (`dax_recovery_write()`).
    ///
    /// Returns how many were stored: 0 if the poison stays, or if the device is dead.
    #[inline]
    pub fn recovery_write(&self, iter: &mut IovIterSource<'_>) -> usize {
        // SAFETY:
        // - The device is valid by its type invariants.
        // - By the type invariants the bytes are inside of a window: its device has them mapped, in
        //   the page that is named, and the current task has the DAX read lock.
        // - By its type invariants `iter` is a valid source, and it is ours while we borrow it.
        unsafe {
            bindings::dax_recovery_write(
                self.device.as_raw(),
                self.page.pages(),
                self.as_ptr(),
                self.len,
                iter.as_raw(),
            )
        }
    }

    /// Hands the bytes to `iter`, as the device prefers (`dax_copy_to_iter()`).
    ///
    /// Returns how many were handed over: fewer than [`Bytes::len`] if user memory cannot be written,
    /// at a memory error, or if the device is dead.
    #[inline]
    pub fn copy_to_iter(&self, iter: &mut IovIterDest<'_>) -> usize {
        // SAFETY:
        // - The device is valid by its type invariants.
        // - By the type invariants the bytes are inside of a window: its device has them mapped, in
        //   the page that is named, and the current task has the DAX read lock.
        // - By its type invariants `iter` is a valid destination, and it is ours while we borrow it.
        unsafe {
            bindings::dax_copy_to_iter(
                self.device.as_raw(),
                self.page.pages(),
                self.as_ptr(),
                self.len,
                iter.as_raw(),
            )
        }
    }

    /// Copies as many bytes from `source` as both have, and returns how many these are.
    ///
    /// They are not persistent before [`Bytes::flush`]. Fails with `EIO` at a memory error, with
    /// an unspecified part copied. May sleep.
    pub fn copy(&self, source: &Bytes<'_>) -> Result<usize> {
        let len = self.len.min(source.len);
        for at in (0..len).step_by(COPY_MAX) {
            // CAST: `COPY_MAX` fits.
            let now = COPY_MAX.min(len - at) as u32;
            // SAFETY:
            // - By their type invariants both ranges are mapped, and `at + now` is at most the
            //   length of either.
            // - Others may store to either range meanwhile, and the ranges may overlap if both are
            //   the same blocks: the routine in assembly then copies what it finds.
            let left = unsafe {
                bindings::copy_mc_to_kernel(
                    self.as_ptr().byte_add(at),
                    source.as_ptr().byte_add(at),
                    now,
                )
            };
            if left != 0 {
                return Err(EIO);
            }
            // SAFETY: May be called where the caller may sleep, as the function's documentation
            // demands; elsewhere it is a bug that the kernel reports, and not unsafe.
            unsafe { bindings::cond_resched() };
        }
        Ok(len)
    }

    /// Fills `buffer`, of at most 1 MiB, with the bytes from the `offset`th on.
    ///
    /// Fails with `EIO` at a memory error, or with `EINVAL` if the buffer is larger or there are not
    /// that many bytes.
    pub fn read(&self, offset: usize, buffer: &mut [u8]) -> Result {
        let len = buffer.len();
        if len > COPY_MAX || offset > self.len || len > self.len - offset {
            return Err(EINVAL);
        }
        // CAST: `COPY_MAX` fits.
        // SAFETY:
        // - By the type invariants the bytes are mapped, and as just checked these are some of them.
        // - The buffer is ours while we borrow it, has the length, and is no memory of a device,
        //   because Rust has no references to that.
        let left = unsafe {
            bindings::copy_mc_to_kernel(
                buffer.as_mut_ptr().cast(),
                self.as_ptr().byte_add(offset),
                len as u32,
            )
        };
        if left != 0 {
            return Err(EIO);
        }
        Ok(())
    }

    /// Stores zeros. They are not persistent before [`Bytes::flush`].
    #[inline]
    pub fn zero(&self) {
        // SAFETY: By the type invariants the bytes are mapped for writing. No Rust code refers to
        // memory of a device, and user space may find what it likes there.
        unsafe { bindings::memset(self.as_ptr(), 0, self.len) };
    }

    /// Writes back what caches hold of these bytes, if the device needs that (`dax_flush()`).
    ///
    /// They are persistent after the next flush of the block device, which `fsync()` sends.
    #[inline]
    pub fn flush(&self) {
        // SAFETY:
        // - The device is valid by its type invariants.
        // - By the type invariants the bytes are inside of a window: its device has them mapped, and
        //   the current task has the DAX read lock.
        unsafe { bindings::dax_flush(self.device.as_raw(), self.as_ptr(), self.len) };
    }
}
