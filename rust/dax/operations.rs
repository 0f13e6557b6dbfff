// SPDX-License-Identifier: GPL-2.0

//! The operations of a DAX device, and the table through which C calls them.
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

/// The driver's data, as an operation borrows it from the registration.
type Borrowed<'a, T> = <<T as Operations>::Data as ForeignOwnable>::Borrowed<'a>;

/// The operations of a DAX device.
///
/// The core calls them under `dax_read_lock()`, for a device that is alive, from contexts that may
/// sleep: several at once, also on the same bytes.
///
/// A device has those of the last three that its driver implements. The Rust core calls them; over
/// the C core [`Registration`] sets the flags that come closest.
///
/// [`Registration`]: super::Registration
///
/// # Examples
///
/// ```
/// use kernel::{iov::IovIterSource, prelude::*};
/// use kernel_ext::{
///     dax::{AccessMode, Operations, PageOffset, Translation},
///     pmem::MappedRange,
/// };
///
/// /// The operations of a device that has no memory yet.
/// struct Empty;
///
/// #[vtable]
/// impl Operations for Empty {
///     type Data = ();
///
///     fn direct_access(_: (), _: PageOffset, _: usize, _: AccessMode) -> Result<Translation> {
///         Err(ERANGE)
///     }
///
///     fn zero_page_range(_: (), _: PageOffset, _: usize) -> Result {
///         Err(ERANGE)
///     }
///
///     // Optional: stores of this device need no flush.
///     fn copy_from_iter(
///         _: (),
///         _: PageOffset,
///         dst: MappedRange<'_>,
///         iter: &mut IovIterSource<'_>,
///     ) -> usize {
///         dst.copy_from_iter(iter)
///     }
/// }
/// ```
#[vtable]
pub trait Operations: Sized + 'static {
    /// The driver's data, which lives as long as the registration.
    type Data: ForeignOwnable + Send + Sync + 'static;

    /// Translates the page `pgoff` to the memory that holds it.
    ///
    /// The translation may have fewer pages than `nr_pages` (the caller asks again) or more (the core
    /// takes no more). Fails with `ERANGE` past the end of the device and, unless in
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
    /// [`DaxDevice::set_write_cache`](super::DaxDevice::set_write_cache). C may flush a window of a
    /// device that has died since, so there is no data to borrow. For a device without this operation
    /// the core does no cache maintenance.
    fn flush(_range: MappedRange<'_>) {
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }
}

/// The table through which C calls the operations of `T`.
pub(super) struct OperationsVTable<T: Operations>(PhantomData<T>);

impl<T: Operations> OperationsVTable<T> {
    /// Borrows the driver's data.
    ///
    /// Fails with `ENXIO` over the C core if the device has been killed in the meantime. The Rust
    /// core has looked whether the device is alive, after it entered the SRCU domain, so that looking
    /// again would prove no more.
    ///
    /// # Safety
    ///
    /// - `dev` must be a device of a [`Registration<T>`](super::Registration).
    /// - The caller must hold the DAX read lock for the lifetime `'a`.
    /// - The device must have been alive after the caller took the lock.
    #[inline]
    unsafe fn data<'a>(dev: *mut bindings::dax_device) -> Result<Borrowed<'a, T>> {
        #[cfg(CONFIG_DAX_RUST)]
        // CAST: A device of the Rust core begins with this structure (`dax_ext.h`).
        // SAFETY:
        // - The caller ensures that `dev` is a device.
        // - The core stored the private data before it published the operations, and does not change
        //   it any more.
        let data = unsafe { (*dev.cast::<bindings::dax_device_head>()).private };
        #[cfg(not(CONFIG_DAX_RUST))]
        let data = {
            // SAFETY: The caller ensures that `dev` is a device.
            let data = unsafe { bindings::dax_get_private(dev) };
            if data.is_null() {
                return Err(ENXIO);
            }
            data
        };
        // SAFETY:
        // - `data` came from `into_foreign`: `Registration::alloc` made the device over it.
        // - It goes back to `from_foreign` only after killing the device has returned. That waits for
        //   the caller, in whose read lock the device was alive, so it returns after `'a`.
        // - `Registration` never borrows it mutably.
        Ok(unsafe { T::Data::borrow(data) })
    }

    /// The `len` bytes at `addr`.
    ///
    /// # Safety
    ///
    /// `addr` must not be NULL, and must have `len` bytes of a window of a device that stays mapped
    /// for the lifetime of the result.
    #[inline]
    unsafe fn range<'a>(addr: *mut c_void, len: usize) -> MappedRange<'a> {
        // SAFETY:
        // - The caller ensures that the address is not NULL.
        // - The caller ensures that the bytes are mapped for `'a`. Rust code does not refer to them,
        //   by the safety requirements of `Translation::new`.
        unsafe { MappedRange::from_raw(NonNull::new_unchecked(addr.cast()), len) }
    }

    /// # Safety
    ///
    /// - As for [`Self::data`].
    /// - `kaddr` and `pfn` must each be NULL or valid for a write.
    unsafe extern "C" fn direct_access(
        dev: *mut bindings::dax_device,
        pgoff: c_ulong,
        nr_pages: c_long,
        mode: bindings::dax_access_mode,
        kaddr: *mut *mut c_void,
        pfn: *mut c_ulong,
    ) -> c_long {
        from_result(|| {
            // SAFETY: The caller meets the requirements for the duration of this function.
            let data = unsafe { Self::data(dev) }?;
            let nr_pages = usize::try_from(nr_pages).map_err(|_| EINVAL)?;
            let mode = AccessMode::from_raw(mode);
            let found = T::direct_access(data, PageOffset::new(pgoff), nr_pages, mode)?;
            let (addr, frame, pages) = found.into_parts();
            if !kaddr.is_null() {
                // SAFETY: The caller ensures that a pointer that is not NULL is valid for a write.
                unsafe { *kaddr = addr.as_ptr().cast() };
            }
            if !pfn.is_null() {
                // SAFETY: The caller ensures that a pointer that is not NULL is valid for a write.
                unsafe { *pfn = frame.number() };
            }
            Ok(c_long::try_from(pages).unwrap_or(c_long::MAX))
        })
    }

    /// # Safety
    ///
    /// As for [`Self::data`].
    unsafe extern "C" fn zero_page_range(
        dev: *mut bindings::dax_device,
        pgoff: c_ulong,
        nr_pages: usize,
    ) -> c_int {
        from_result(|| {
            // SAFETY: The caller meets the requirements for the duration of this function.
            let data = unsafe { Self::data(dev) }?;
            T::zero_page_range(data, PageOffset::new(pgoff), nr_pages)?;
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// - As for [`Self::data`].
    /// - `addr` must not be NULL, and must have `bytes` bytes of a window of the device into which the
    ///   caller translated in the same read lock.
    /// - `iter` must be a valid source that no other task uses.
    unsafe extern "C" fn recovery_write(
        dev: *mut bindings::dax_device,
        pgoff: c_ulong,
        addr: *mut c_void,
        bytes: usize,
        iter: *mut bindings::iov_iter,
    ) -> usize {
        // SAFETY: The caller meets the requirements for the duration of this function.
        let Ok(data) = (unsafe { Self::data(dev) }) else {
            return 0;
        };
        // SAFETY: The bytes are in a window, which stays mapped while the caller holds the lock.
        let dst = unsafe { Self::range(addr, bytes) };
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
        // SAFETY: The caller meets the requirements for the duration of this function.
        let Ok(data) = (unsafe { Self::data(dev) }) else {
            return 0;
        };
        // SAFETY: The bytes are in a window, which stays mapped while the caller holds the lock.
        let dst = unsafe { Self::range(addr, bytes) };
        // SAFETY: The caller ensures that `iter` is a valid source that only we use.
        let iter = unsafe { IovIterSource::from_raw(iter) };
        T::copy_from_iter(data, PageOffset::new(pgoff), dst, iter)
    }

    /// # Safety
    ///
    /// As for [`Self::recovery_write`], but `iter` must be a destination.
    unsafe extern "C" fn copy_to_iter(
        dev: *mut bindings::dax_device,
        pgoff: c_ulong,
        addr: *mut c_void,
        bytes: usize,
        iter: *mut bindings::iov_iter,
    ) -> usize {
        // SAFETY: The caller meets the requirements for the duration of this function.
        let Ok(data) = (unsafe { Self::data(dev) }) else {
            return 0;
        };
        // SAFETY: The bytes are in a window, which stays mapped while the caller holds the lock.
        let src = unsafe { Self::range(addr, bytes) };
        // SAFETY: The caller ensures that `iter` is a valid destination that only we use.
        let iter = unsafe { IovIterDest::from_raw(iter) };
        T::copy_to_iter(data, PageOffset::new(pgoff), src, iter)
    }

    /// # Safety
    ///
    /// `addr` must not be NULL, and must have `size` bytes of a window of the device that stays mapped
    /// during the call.
    unsafe extern "C" fn flush(_dev: *mut bindings::dax_device, addr: *mut c_void, size: usize) {
        // SAFETY: The caller meets the requirements for the duration of this function.
        T::flush(unsafe { Self::range(addr, size) });
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

    /// The table, to which the core keeps a pointer.
    pub(super) const fn build() -> &'static bindings::dax_operations_ext {
        &Self::VTABLE
    }
}
