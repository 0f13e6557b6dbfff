// SPDX-License-Identifier: GPL-2.0

//! What a DAX device can do, and how C calls it.
//!
//! C headers: [`include/linux/dax.h`](srctree/include/linux/dax.h) and `include/linux/dax_ext.h`.

use super::{
    AccessMode,
    PageOffset,
    Translation, //
};
use crate::{
    bindings,
    pmem::MappedRange, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    error::from_result,
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
    prelude::*,
    types::ForeignOwnable, //
};

/// What an operation sees of the data that the driver gave to its registration.
type Borrowed<'a, T> = <<T as Operations>::Data as ForeignOwnable>::Borrowed<'a>;

/// The operations of a DAX device.
///
/// All of them are called under `dax_read_lock()`, for a device that is alive, from contexts that
/// may sleep: several at once, also on the same bytes.
///
/// The last three are published only by a device that implements them. The Rust core calls them;
/// the C core is told through its flags to do what comes closest (see [`Registration`]).
///
/// [`Registration`]: super::Registration
#[vtable]
pub trait Operations: Sized + 'static {
    /// The driver's data, which lives as long as the registration.
    type Data: ForeignOwnable + Send + Sync + 'static;

    /// Translates the page `pgoff` to the memory that holds it.
    ///
    /// The window may be shorter than `nr_pages` (the caller asks again) or longer (the core
    /// shortens it). Fails with `ERANGE` past the end of the device and, unless in
    /// [`AccessMode::RecoveryWrite`], with `EHWPOISON` if `pgoff` has known poison.
    fn direct_access(
        data: Borrowed<'_, Self>,
        pgoff: PageOffset,
        nr_pages: usize,
        mode: AccessMode,
    ) -> Result<Translation>;

    /// Makes the `nr_pages` pages from `pgoff` on persistently zero.
    fn zero_page_range(data: Borrowed<'_, Self>, pgoff: PageOffset, nr_pages: usize) -> Result;

    /// Writes to `dst`, which lies in the page `pgoff` and is or may be poisoned.
    ///
    /// Clears the poison first. Returns how many bytes were taken from `iter` and made persistent;
    /// 0 if the poison stays.
    fn recovery_write(
        _data: Borrowed<'_, Self>,
        _pgoff: PageOffset,
        _dst: MappedRange<'_>,
        _iter: &mut IovIterSource<'_>,
    ) -> usize {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Stores the next bytes of `iter` to `dst`, such that they need no [`Self::flush`].
    ///
    /// Returns how many bytes were taken from `iter`: fewer than `dst` has if a source page
    /// faults. Without this operation the bytes are copied as to any other memory.
    fn copy_from_iter(
        _data: Borrowed<'_, Self>,
        _pgoff: PageOffset,
        _dst: MappedRange<'_>,
        _iter: &mut IovIterSource<'_>,
    ) -> usize {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Loads the bytes of `src` into `iter`.
    ///
    /// Returns how many bytes came across: fewer than `src` has if a destination page faults or
    /// the memory cannot be read. Without this operation the bytes are copied as from any other
    /// memory, or by the routine that survives machine checks if the device asks for it with
    /// [`Properties::machine_checks`](super::Properties::machine_checks).
    fn copy_to_iter(
        _data: Borrowed<'_, Self>,
        _pgoff: PageOffset,
        _src: MappedRange<'_>,
        _iter: &mut IovIterDest<'_>,
    ) -> usize {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Writes back what the CPU caches hold of `range`.
    ///
    /// Called only while the write cache of the device is enabled; see
    /// [`DaxDevice::set_write_cache`](super::DaxDevice::set_write_cache). Caches know addresses only, and
    /// C may flush a window of a device that has died since, so there is no data to borrow. A
    /// device without this operation costs no cache maintenance.
    fn flush(_range: MappedRange<'_>) {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }
}

/// The table through which C calls the operations of `T`.
pub(super) struct OperationsVTable<T: Operations>(PhantomData<T>);

impl<T: Operations> OperationsVTable<T> {
    /// Borrows the driver's data, or `None` if the device has been killed in the meantime.
    ///
    /// # Safety
    ///
    /// `dev` must be a device of a [`Registration<T>`](super::Registration), and the caller must
    /// hold the DAX read lock for the lifetime `'a`.
    #[inline]
    unsafe fn data<'a>(dev: *mut bindings::dax_device) -> Option<Borrowed<'a, T>> {
        // SAFETY: The caller ensures that `dev` is a valid device.
        let data = unsafe { bindings::dax_get_private(dev) };
        if data.is_null() {
            return None;
        }
        // SAFETY: `data` came from `into_foreign` when the device was registered. It goes back to
        // `from_foreign` only after the device was killed: the device was alive a moment ago under
        // the read lock that the caller holds for `'a`, so killing it returns after `'a`.
        // `Registration` never borrows it mutably.
        Some(unsafe { T::Data::borrow(data) })
    }

    /// The `len` bytes at `addr`, which C says are memory of the device.
    ///
    /// # Safety
    ///
    /// `addr` must come from a window of a device, from which `len` bytes are inside the window,
    /// which must be mapped for the lifetime of the result.
    #[inline]
    unsafe fn span<'a>(addr: *mut c_void, len: usize) -> Option<MappedRange<'a>> {
        // SAFETY: The caller ensures just this.
        NonNull::new(addr.cast()).map(|ptr| unsafe { MappedRange::from_raw(ptr, len) })
    }

    /// # Safety
    ///
    /// `dev` must be a device of a `Registration<T>`; the caller must hold the DAX read lock;
    /// `kaddr` and `pfn` must each be NULL or valid for a write.
    unsafe extern "C" fn direct_access(
        dev: *mut bindings::dax_device,
        pgoff: c_ulong,
        nr_pages: c_long,
        mode: bindings::dax_access_mode,
        kaddr: *mut *mut c_void,
        pfn: *mut c_ulong,
    ) -> c_long {
        // SAFETY: The caller ensures both requirements for the duration of this function.
        let Some(data) = (unsafe { Self::data(dev) }) else {
            return ENXIO.to_errno() as c_long;
        };
        let Ok(nr_pages) = usize::try_from(nr_pages) else {
            return EINVAL.to_errno() as c_long;
        };

        let pgoff = PageOffset::new(pgoff);
        match T::direct_access(data, pgoff, nr_pages, AccessMode::from_raw(mode)) {
            Ok(window) => {
                let (addr, frame, pages) = window.into_parts();
                if !kaddr.is_null() {
                    // SAFETY: The caller ensures that it is valid for a write.
                    unsafe { *kaddr = addr.as_ptr().cast() };
                }
                if !pfn.is_null() {
                    // SAFETY: The caller ensures that it is valid for a write.
                    unsafe { *pfn = frame.number() };
                }
                c_long::try_from(pages).unwrap_or(c_long::MAX)
            }
            Err(e) => e.to_errno() as c_long,
        }
    }

    /// # Safety
    ///
    /// `dev` must be a device of a `Registration<T>`; the caller must hold the DAX read lock.
    unsafe extern "C" fn zero_page_range(
        dev: *mut bindings::dax_device,
        pgoff: c_ulong,
        nr_pages: usize,
    ) -> c_int {
        from_result(|| {
            // SAFETY: The caller ensures both requirements for the duration of this function.
            let data = unsafe { Self::data(dev) }.ok_or(ENXIO)?;
            T::zero_page_range(data, PageOffset::new(pgoff), nr_pages)?;
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `dev` must be a device of a `Registration<T>`; the caller must hold the DAX read lock;
    /// `addr` must be inside a window of the device that has `bytes` more bytes; `iter` must be a
    /// valid source that nobody else uses.
    unsafe extern "C" fn recovery_write(
        dev: *mut bindings::dax_device,
        pgoff: c_ulong,
        addr: *mut c_void,
        bytes: usize,
        iter: *mut bindings::iov_iter,
    ) -> usize {
        // SAFETY: The caller ensures the requirements for the duration of this function.
        let (data, dst) = unsafe { (Self::data(dev), Self::span(addr, bytes)) };
        let (Some(data), Some(dst)) = (data, dst) else {
            return 0;
        };
        // SAFETY: The caller ensures that `iter` is a valid source that only we use.
        let iter = unsafe { IovIterSource::from_raw(iter) };
        T::recovery_write(data, PageOffset::new(pgoff), dst, iter)
    }

    /// # Safety
    ///
    /// As for [`Self::recovery_write`].
    unsafe extern "C" fn copy_from_iter(
        dev: *mut bindings::dax_device,
        pgoff: c_ulong,
        addr: *mut c_void,
        bytes: usize,
        iter: *mut bindings::iov_iter,
    ) -> usize {
        // SAFETY: The caller ensures the requirements for the duration of this function.
        let (data, dst) = unsafe { (Self::data(dev), Self::span(addr, bytes)) };
        let (Some(data), Some(dst)) = (data, dst) else {
            return 0;
        };
        // SAFETY: The caller ensures that `iter` is a valid source that only we use.
        let iter = unsafe { IovIterSource::from_raw(iter) };
        T::copy_from_iter(data, PageOffset::new(pgoff), dst, iter)
    }

    /// # Safety
    ///
    /// As for [`Self::recovery_write`], but `iter` must be a valid destination.
    unsafe extern "C" fn copy_to_iter(
        dev: *mut bindings::dax_device,
        pgoff: c_ulong,
        addr: *mut c_void,
        bytes: usize,
        iter: *mut bindings::iov_iter,
    ) -> usize {
        // SAFETY: The caller ensures the requirements for the duration of this function.
        let (data, src) = unsafe { (Self::data(dev), Self::span(addr, bytes)) };
        let (Some(data), Some(src)) = (data, src) else {
            return 0;
        };
        // SAFETY: The caller ensures that `iter` is a valid destination that only we use.
        let iter = unsafe { IovIterDest::from_raw(iter) };
        T::copy_to_iter(data, PageOffset::new(pgoff), src, iter)
    }

    /// # Safety
    ///
    /// `addr` must be inside a mapped window of the device that has `size` more bytes.
    unsafe extern "C" fn flush(_dev: *mut bindings::dax_device, addr: *mut c_void, size: usize) {
        // SAFETY: The caller ensures the requirement for the duration of this function.
        if let Some(range) = unsafe { Self::span(addr, size) } {
            T::flush(range);
        }
    }

    const VTABLE: bindings::dax_operations_ext = bindings::dax_operations_ext {
        base: bindings::dax_operations {
            direct_access: Some(Self::direct_access),
            zero_page_range: Some(Self::zero_page_range),
            recovery_write: if T::HAS_RECOVERY_WRITE {
                Some(Self::recovery_write)
            } else {
                None
            },
        },
        copy_from_iter: if T::HAS_COPY_FROM_ITER {
            Some(Self::copy_from_iter)
        } else {
            None
        },
        copy_to_iter: if T::HAS_COPY_TO_ITER {
            Some(Self::copy_to_iter)
        } else {
            None
        },
        flush: if T::HAS_FLUSH {
            Some(Self::flush)
        } else {
            None
        },
    };

    /// The table, which the core keeps a pointer to.
    pub(super) const fn build() -> &'static bindings::dax_operations_ext {
        &Self::VTABLE
    }
}
