// SPDX-License-Identifier: GPL-2.0

//! The C symbols for the memory of a device.

use crate::{
    access,
    pages::PageCount,
    sys::{
        iter::{
            Dest,
            Source, //
        },
        object::{
            alive,
            device_ref, //
        },
        operations::{
            Answer,
            KeptDriver, //
        },
    },
};
use core::ptr::NonNull;
use kernel::{
    error::from_result,
    ffi::{
        c_int,
        c_long,
        c_ulong,
        c_void, //
    },
    prelude::*, //
};
use kernel_ext::{
    bindings,
    dax::PageOffset,
    error::{
        eopnotsupp,
        errno, //
    },
    pmem::MappedRange, //
};

kernel_ext::check_prototypes!(
    dax_copy_from_iter,
    dax_copy_to_iter,
    dax_direct_access,
    dax_flush,
    dax_recovery_write,
    dax_zero_page_range,
);

/// The `len` bytes at `addr`.
///
/// # Safety
///
/// For `'a`, `addr` must not be NULL and have `len` bytes that a driver has mapped for a device.
#[inline]
unsafe fn range<'a>(addr: *mut c_void, len: usize) -> MappedRange<'a> {
    // SAFETY:
    // - The caller ensures that the address is not NULL.
    // - The caller ensures that the bytes are mapped for `'a`. Rust code has no reference to them,
    //   because they are memory of a device.
    unsafe { MappedRange::from_raw(NonNull::new_unchecked(addr.cast()), len) }
}

/// Translates the page `pgoff` of a device.
///
/// Returns the number of pages at `*kaddr` and `*pfn`, at least 1 and at most `nr_pages`, or
/// `-EOPNOTSUPP` for NULL or no operations, `-ENXIO` for a dead device, `-ERANGE` past the end,
/// `-EHWPOISON` for known poison.
///
/// # Safety
///
/// - `dev` must be NULL or a device of which the caller has a reference.
/// - The caller must be inside the SRCU domain.
/// - `kaddr` and `pfn` must each be NULL or valid for a write.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_direct_access(
    dev: *mut bindings::dax_device,
    pgoff: c_ulong,
    nr_pages: c_long,
    mode: bindings::dax_access_mode,
    kaddr: *mut *mut c_void,
    pfn: *mut c_ulong,
) -> c_long {
    if dev.is_null() {
        return -(errno::EOPNOTSUPP as c_long);
    }
    from_result(|| {
        // SAFETY: The caller has a reference to the device, and is inside the domain.
        let dev = unsafe { alive(dev) }?;
        let ops = dev.operations().ok_or_else(eopnotsupp)?;
        let wanted = PageCount::new(nr_pages).ok_or(EINVAL)?;
        // SAFETY: The caller ensures that both are NULL or valid for a write.
        let answer = unsafe { Answer::new(kaddr, pfn) };
        let pgoff = PageOffset::new(pgoff);
        access::direct_access(&ops, pgoff, wanted, mode, answer).map(PageCount::get)
    })
}

/// Zeroes one page of a device. Returns `-ENXIO` if it is dead, `-EIO` for more pages or poison.
///
/// # Safety
///
/// - `dev` must be a device of which the caller has a reference.
/// - The caller must be inside the SRCU domain.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_zero_page_range(
    dev: *mut bindings::dax_device,
    pgoff: c_ulong,
    nr_pages: usize,
) -> c_int {
    from_result(|| {
        // SAFETY: The caller has a reference to the device, and is inside the domain.
        let dev = unsafe { alive(dev) }?;
        let ops = dev.operations().ok_or_else(eopnotsupp)?;
        let pages = c_long::try_from(nr_pages).ok().and_then(PageCount::new);
        access::zero_page_range(&ops, PageOffset::new(pgoff), pages)?;
        Ok(0)
    })
}

/// Writes to a range that is or may be poisoned; returns the number of bytes written, 0 for a dead
/// device or one that cannot do it.
///
/// # Safety
///
/// - `dev` must be a device of which the caller has a reference.
/// - The caller must be inside the SRCU domain.
/// - `addr` must have `bytes` bytes of a window of the device, into which the caller has translated
///   in the same SRCU section.
/// - `iter` must be a valid source that no other task uses.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_recovery_write(
    dev: *mut bindings::dax_device,
    pgoff: c_ulong,
    addr: *mut c_void,
    bytes: usize,
    iter: *mut bindings::iov_iter,
) -> usize {
    // SAFETY: The caller has a reference to the device, and is inside the domain.
    let Ok(dev) = (unsafe { alive(dev) }) else {
        return 0;
    };
    // SAFETY: The bytes are in a window, which stays mapped during the SRCU section of the caller.
    let dst = unsafe { range(addr, bytes) };
    // SAFETY: The caller ensures that it is a valid source that only this task uses.
    let iter = unsafe { Source::new(iter) };
    access::recovery_write(dev, PageOffset::new(pgoff), dst, iter)
}

/// Copies into a device; returns the number of bytes copied, 0 for a dead device.
///
/// # Safety
///
/// As for [`dax_recovery_write`].
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_copy_from_iter(
    dev: *mut bindings::dax_device,
    pgoff: c_ulong,
    addr: *mut c_void,
    bytes: usize,
    iter: *mut bindings::iov_iter,
) -> usize {
    // SAFETY: The caller has a reference to the device, and is inside the domain.
    let Ok(dev) = (unsafe { alive(dev) }) else {
        return 0;
    };
    // SAFETY: The bytes are in a window, which stays mapped during the SRCU section of the caller.
    let dst = unsafe { range(addr, bytes) };
    // SAFETY: The caller ensures that it is a valid source that only this task uses.
    let iter = unsafe { Source::new(iter) };
    access::copy_from_iter(dev, PageOffset::new(pgoff), dst, iter)
}

/// Copies out of a device; returns the number of bytes copied, 0 for a dead device.
///
/// # Safety
///
/// As for [`dax_recovery_write`], but `iter` must be a destination.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_copy_to_iter(
    dev: *mut bindings::dax_device,
    pgoff: c_ulong,
    addr: *mut c_void,
    bytes: usize,
    iter: *mut bindings::iov_iter,
) -> usize {
    // SAFETY: The caller has a reference to the device, and is inside the domain.
    let Ok(dev) = (unsafe { alive(dev) }) else {
        return 0;
    };
    // SAFETY: The bytes are in a window, which stays mapped during the SRCU section of the caller.
    let src = unsafe { range(addr, bytes) };
    // SAFETY: The caller ensures that it is a valid destination that only this task uses.
    let iter = unsafe { Dest::new(iter) };
    access::copy_to_iter(dev, PageOffset::new(pgoff), src, iter)
}

/// Writes back what the CPU caches hold of a range of a device, if its write cache is enabled.
///
/// # Safety
///
/// - `dev` must be a device of which the caller has a reference.
/// - `addr` must have `size` bytes of a window of the device.
/// - The caller must be inside the SRCU section in which it translated into the window, or keep the
///   driver from unmapping its memory otherwise (dm-pcache has the block device open).
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_flush(
    dev: *mut bindings::dax_device,
    addr: *mut c_void,
    size: usize,
) {
    // SAFETY:
    // - The caller has a reference to the device.
    // - The caller keeps the driver from unmapping its memory, hence also from freeing its tables.
    let dev = unsafe { KeptDriver::new(device_ref(dev)) };
    // SAFETY: The bytes are in a window, which the caller keeps mapped.
    access::flush(dev, unsafe { range(addr, size) });
}
