// SPDX-License-Identifier: GPL-2.0

//! The C symbols for the memory of a device, and the calls into the tables of drivers.

use super::Copy;
use crate::{
    device::flag,
    ffi::device_ref,
    liveness::{
        self,
        srcu,
        AliveDax, //
    },
    ops, //
};
use kernel::{
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
    error::errno, //
};

kernel_ext::check_prototypes!(
    dax_copy_from_iter,
    dax_copy_to_iter,
    dax_direct_access,
    dax_flush,
    dax_recovery_write,
    dax_zero_page_range,
);

/// The device that C, which is inside the SRCU domain, calls `dev`, if it is alive.
///
/// # Safety
///
/// `dev` must be a valid device, and the caller must be inside the domain for `'a`.
#[inline]
unsafe fn alive<'a>(dev: *mut bindings::dax_device) -> Result<AliveDax<'a>> {
    // SAFETY: The caller ensures both.
    let (dev, reading) = unsafe { (device_ref(dev), srcu().assume_read()) };
    liveness::alive(dev, reading)
}

/// Translates the page `pgoff` of a device.
///
/// Returns the number of pages at `*kaddr` and `*pfn`, at least 1 and at most `nr_pages`, or
/// `-EOPNOTSUPP` for NULL or no operations, `-ENXIO` for a dead device, `-ERANGE` past the end,
/// `-EHWPOISON` for known poison.
///
/// # Safety
///
/// `dev` must be NULL or a valid device, the caller must be inside the SRCU domain, and `kaddr` and
/// `pfn` must each be NULL or valid for a write.
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
    // SAFETY: The caller ensures that the device is valid and that it is inside the domain.
    let Ok(dev) = (unsafe { alive(dev) }) else {
        return ENXIO.to_errno() as c_long;
    };
    // SAFETY: The caller ensures that both are NULL or valid.
    let (kaddr, pfn) = unsafe { (kaddr.as_mut(), pfn.as_mut()) };
    dev.direct_access(pgoff, nr_pages, mode, kaddr, pfn)
}

/// Zeroes one page of a device. Returns `-ENXIO` if it is dead, `-EIO` for more pages or poison.
///
/// # Safety
///
/// `dev` must be a valid device, and the caller must be inside the SRCU domain.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_zero_page_range(
    dev: *mut bindings::dax_device,
    pgoff: c_ulong,
    nr_pages: usize,
) -> c_int {
    // SAFETY: The caller ensures both requirements.
    let dev = unsafe { alive(dev) };
    match dev {
        Ok(dev) => dev.zero_page_range(pgoff, nr_pages),
        Err(e) => e.to_errno(),
    }
}

/// Writes to a range that is or may be poisoned; returns the number of bytes written, 0 for a dead
/// device or one that cannot do it.
///
/// # Safety
///
/// `dev` must be a valid device, the caller must be inside the SRCU domain, `addr` must be inside a
/// window of the device with `bytes` more bytes, and `iter` a source that nobody else uses.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_recovery_write(
    dev: *mut bindings::dax_device,
    pgoff: c_ulong,
    addr: *mut c_void,
    bytes: usize,
    iter: *mut bindings::iov_iter,
) -> usize {
    // SAFETY: The caller ensures both requirements.
    let Ok(dev) = (unsafe { alive(dev) }) else {
        return 0;
    };
    // SAFETY: The caller ensures that memory and iterator are valid.
    dev.operations().map_or(0, |ops| unsafe {
        ops.recovery_write(pgoff, addr, bytes, iter)
    })
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
    // SAFETY: The caller ensures both requirements.
    let Ok(dev) = (unsafe { alive(dev) }) else {
        return 0;
    };
    // The ranges were checked where user space handed them in, so the variants without hardened
    // checks will do.
    match dev.copy_from() {
        // SAFETY: The caller ensures that memory and iterator are valid.
        Copy::Plain => unsafe { bindings::_copy_from_iter(addr, bytes, iter) },
        // SAFETY: As above.
        Copy::Careful => unsafe { bindings::_copy_from_iter_flushcache(addr, bytes, iter) },
        // SAFETY: As above.
        Copy::Own(ops) => unsafe { ops.copy_from_iter(pgoff, addr, bytes, iter) },
    }
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
    // SAFETY: The caller ensures both requirements.
    let Ok(dev) = (unsafe { alive(dev) }) else {
        return 0;
    };
    match dev.copy_to() {
        // SAFETY: The caller ensures that memory and iterator are valid.
        Copy::Plain => unsafe { bindings::_copy_to_iter(addr, bytes, iter) },
        // SAFETY: As above.
        Copy::Careful => unsafe { bindings::_copy_mc_to_iter(addr, bytes, iter) },
        // SAFETY: As above.
        Copy::Own(ops) => unsafe { ops.copy_to_iter(pgoff, addr, bytes, iter) },
    }
}

/// Writes back what the CPU caches hold of a range of a device, if its write cache is enabled.
///
/// # Safety
///
/// `dev` must be a valid device, `addr` must be inside a mapped window of it with `size` more bytes,
/// and the caller must be inside the SRCU domain since it asked for the window, or otherwise keep
/// the driver (dm-pcache has the block device open).
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_flush(
    dev: *mut bindings::dax_device,
    addr: *mut c_void,
    size: usize,
) {
    // SAFETY: The caller ensures that it is valid.
    let dev = unsafe { device_ref(dev) };
    if dev.flags.test(flag::WRITE_CACHE) {
        // SAFETY: The caller ensures that the range is mapped.
        unsafe { bindings::arch_wb_cache_pmem(addr, size) };
    } else if dev.flags.test(flag::EXT_WRITE_CACHE) {
        // SAFETY: The caller ensures the same.
        unsafe { ops::flush(dev, addr, size) };
    }
}
