// SPDX-License-Identifier: GPL-2.0

//! What a filesystem does with a DAX device.
//!
//! All of it goes through the symbols that C has for this, so that it works over the core in C as
//! well as over the one in Rust.
//!
//! # Windows
//!
//! [`DaxDevice::direct_access`] answers with a [`Window`]: pages that follow each other in memory. It
//! is often shorter than what was asked for, at the border of a stripe for example, and never
//! empty. [`Window::bytes`] gives the [`Bytes`] of it that are wanted, which may again be fewer; the
//! caller goes on behind them until it has all.
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

/// The most that is copied at once: C counts in 32 bits.
pub const COPY_MAX: usize = 1 << 20;

/// Keeps devices from being killed: `kill_dax()` waits until the guard is dropped.
///
/// May be nested, and the holder may sleep. A device may be dead already.
#[must_use = "devices may be killed as soon as the guard is dropped"]
pub struct ReadGuard {
    id: c_int,
    _not_send: NotThreadSafe,
}

/// Begins to use devices (`dax_read_lock()`).
#[inline]
pub fn read_lock() -> ReadGuard {
    ReadGuard {
        // SAFETY: The function has no precondition.
        id: unsafe { bindings::dax_read_lock() },
        _not_send: NotThreadSafe,
    }
}

impl Drop for ReadGuard {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: The guard was made with this number, on this task, because it is not `Send`.
        unsafe { bindings::dax_read_unlock(self.id) };
    }
}

/// What a block device would say: known poison is an error of the device (`dax_mem2blk_err()`).
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
        _guard: &'a ReadGuard,
        pgoff: PageOffset,
        pages: usize,
        mode: AccessMode,
    ) -> Result<Window<'a>> {
        // SAFETY: NULL asks for no frame.
        unsafe { self.translate(pgoff, pages, mode, ptr::null_mut()) }
    }

    /// As [`DaxDevice::direct_access`], and says also which page frame the first page is.
    #[inline]
    pub fn direct_access_frame<'a>(
        &'a self,
        _guard: &'a ReadGuard,
        pgoff: PageOffset,
        pages: usize,
        mode: AccessMode,
    ) -> Result<(Window<'a>, Pfn)> {
        let mut pfn: c_ulong = 0;
        // SAFETY: The frame may be written.
        let window = unsafe { self.translate(pgoff, pages, mode, &mut pfn) }?;
        Ok((window, Pfn::new(pfn)))
    }

    /// # Safety
    ///
    /// The caller must be between `dax_read_lock()` and `dax_read_unlock()` for `'a`, which its
    /// callers have a guard for; `pfn` must be NULL or valid for a write.
    #[inline]
    unsafe fn translate<'a>(
        &'a self,
        pgoff: PageOffset,
        pages: usize,
        mode: AccessMode,
        pfn: *mut c_ulong,
    ) -> Result<Window<'a>> {
        let wanted = c_long::try_from(pages).unwrap_or(c_long::MAX);
        let mut kaddr: *mut c_void = ptr::null_mut();
        // SAFETY: The device is valid by its type invariants, and the caller ensures the rest.
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
        // INVARIANT: The core says that these pages of a device that was alive are there, and the
        // guard that the caller has for `'a` keeps `kill_dax()` waiting, after which the driver
        // unmaps them.
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
        // SAFETY: The device is valid by its type invariants, and the guard says that the caller
        // has the DAX read lock. The core knows no more than one page at once.
        to_result(unsafe { bindings::dax_zero_page_range(self.as_raw(), pgoff.pages(), 1) })
    }
}

/// Pages of a device that follow each other in memory.
///
/// # Invariants
///
/// The `len` bytes at `kaddr` are mapped for `'a`, but for pages that the kernel unmaps because of
/// a memory error. They are one page or more of `device`, from `start` on, and a reader is inside
/// `dax_read_lock()` for `'a`.
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

    /// The bytes that begin `offset` bytes into the first page: `len` of them, or as many as the
    /// window has.
    ///
    /// `offset` counts modulo the size of a page, so there is at least one byte unless `len` is 0.
    #[inline]
    pub fn bytes(&self, offset: usize, len: usize) -> Bytes<'a> {
        let offset = offset & (PAGE_SIZE - 1);
        // INVARIANT: The offset is inside the window, which has at least a page, and the length
        // does not go past its end.
        Bytes {
            device: self.device,
            page: self.start,
            // SAFETY: The offset is inside the memory that `kaddr` points to.
            addr: unsafe { self.kaddr.add(offset) },
            len: len.min(self.len.wrapping_sub(offset)),
            _guard: PhantomData,
        }
    }
}

/// Bytes of a [`Window`].
///
/// # Invariants
///
/// The `len` bytes at `addr` are inside a window with lifetime `'a`, and begin in the page `page`.
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
        // SAFETY: The memory is mapped by the type invariants, and the caller has the read lock;
        // `iter` is a valid source by its type invariants.
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
        // SAFETY: As in `copy_from_iter()`.
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
    /// Returns how many were: fewer than [`Bytes::len`] if user memory cannot be written, at a
    /// memory error, or if the device is dead.
    #[inline]
    pub fn copy_to_iter(&self, iter: &mut IovIterDest<'_>) -> usize {
        // SAFETY: As in `copy_from_iter()`, but `iter` is a valid destination.
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
            // SAFETY: Both ranges are mapped by their type invariants. They may overlap only if
            // both are the same blocks of a device; the routine copies forwards, and accepts that
            // others store to the memory.
            let left = unsafe {
                bindings::copy_mc_to_kernel(
                    self.as_ptr().wrapping_byte_add(at),
                    source.as_ptr().wrapping_byte_add(at),
                    now,
                )
            };
            if left != 0 {
                return Err(EIO);
            }
            // SAFETY: A task that may sleep may be scheduled away.
            unsafe { bindings::cond_resched() };
        }
        Ok(len)
    }

    /// Fills `buffer`, which is no larger than [`COPY_MAX`], with the bytes from the `offset`th on.
    ///
    /// Fails with `EIO` at a memory error, or with `EINVAL` if there are not so many bytes.
    pub fn read(&self, offset: usize, buffer: &mut [u8]) -> Result {
        let len = buffer.len();
        if len > COPY_MAX || offset > self.len || len > self.len - offset {
            return Err(EINVAL);
        }
        // CAST: `COPY_MAX` fits.
        // SAFETY: The memory is mapped by the type invariants, and the buffer is no memory of a
        // device.
        let left = unsafe {
            bindings::copy_mc_to_kernel(
                buffer.as_mut_ptr().cast(),
                self.as_ptr().wrapping_byte_add(offset),
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
        // SAFETY: The memory is mapped by the type invariants.
        unsafe { bindings::memset(self.as_ptr(), 0, self.len) };
    }

    /// Writes back what caches hold of these bytes, if the device needs that (`dax_flush()`).
    ///
    /// They are persistent after the next flush of the block device, which `fsync()` does.
    #[inline]
    pub fn flush(&self) {
        // SAFETY: The memory is mapped by the type invariants, and the caller has the read lock.
        unsafe { bindings::dax_flush(self.device.as_raw(), self.as_ptr(), self.len) };
    }
}
