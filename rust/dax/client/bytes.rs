// SPDX-License-Identifier: GPL-2.0

//! Copying, zeroing and flushing memory of a DAX device.

use crate::{
    bindings,
    dax::{
        DaxDevice,
        PageOffset, //
    },
};
use core::ptr::NonNull;
use kernel::{
    ffi::c_void,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    prelude::*, //
};

/// The most bytes that one call of `copy_mc_to_kernel()` copies. Its length has 32 bits.
const COPY_MAX: usize = 1 << 20;

/// Bytes of a [`Window`](super::Window).
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
/// The `len` bytes at `addr` are inside of a [`Window`](super::Window) of `device` with the
/// lifetime `'a`, and begin in the page `page` of the device.
#[must_use = "these may be fewer bytes than were asked for"]
pub struct Bytes<'a> {
    device: &'a DaxDevice,
    page: PageOffset,
    addr: NonNull<u8>,
    len: usize,
}

impl<'a> Bytes<'a> {
    /// The `len` bytes at `addr`.
    ///
    /// # Safety
    ///
    /// For `'a`, the bytes must be inside of a [`Window`](super::Window) of `device`, and begin in
    /// the page `page` of the device.
    #[inline]
    pub(super) unsafe fn from_raw(
        device: &'a DaxDevice,
        page: PageOffset,
        addr: NonNull<u8>,
        len: usize,
    ) -> Self {
        // INVARIANT: The caller ensures that the bytes are inside of a window, and where.
        Self {
            device,
            page,
            addr,
            len,
        }
    }

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
    /// Returns how many were handed over: fewer than [`Bytes::len`] if user memory cannot be
    /// written, at a memory error, or if the device is dead.
    #[inline]
    pub fn copy_to_iter(&self, iter: &mut IovIterDest<'_>) -> usize {
        // SAFETY:
        // - The device is valid by its type invariants.
        // - By the type invariants the bytes are inside of a window: its device has them mapped, in
        //   the page that is named, and the current task has the DAX read lock.
        // - By its type invariants `iter` is a valid destination, and it is ours while we borrow
        //   it.
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
    /// Fails with `EIO` at a memory error, or with `EINVAL` if the buffer is larger or there are
    /// not that many bytes.
    pub fn read(&self, offset: usize, buffer: &mut [u8]) -> Result {
        let len = buffer.len();
        if len > COPY_MAX || offset > self.len || len > self.len - offset {
            return Err(EINVAL);
        }
        // CAST: `COPY_MAX` fits.
        // SAFETY:
        // - By the type invariants the bytes are mapped, and as just checked these are some of
        //   them.
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
        // - By the type invariants the bytes are inside of a window: its device has them mapped,
        //   and the current task has the DAX read lock.
        unsafe { bindings::dax_flush(self.device.as_raw(), self.as_ptr(), self.len) };
    }
}
