// SPDX-License-Identifier: GPL-2.0

//! The C symbols for the operations of a device, and the tables of drivers.

use crate::{
    device::{
        self,
        DaxDevice, //
    },
    ffi::{
        device_ref,
        device_to_raw, //
    },
    liveness::AliveDax, //
};
use kernel::{
    ffi::{
        c_int,
        c_long,
        c_ulong,
        c_void, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Relaxed, //
    },
    warn_on, //
};
use kernel_ext::bindings;

/// What every driver gives.
pub(super) type Table = bindings::dax_operations;
/// What a driver gives that has optional operations.
pub(super) type ExtTable = bindings::dax_operations_ext;

/// The operations of a device that is alive.
///
/// # Invariants
///
/// The table has `direct_access` and `zero_page_range`.
pub(crate) struct Operations<'a> {
    dev: AliveDax<'a>,
    table: &'a Table,
}

/// The optional operations of a device that is alive.
pub(crate) struct Extended<'a> {
    dev: AliveDax<'a>,
    table: &'a ExtTable,
}

impl<'a> AliveDax<'a> {
    /// The operations, if the device has any.
    #[inline]
    pub(crate) fn operations(self) -> Option<Operations<'a>> {
        // ORDERING: Relaxed: the accesses depend on the address.
        let table = self.ops.base.load(Relaxed);
        // SAFETY: By the invariant of the slot the pointer is NULL or a table that lives: the
        // device is alive in our SRCU section, and taking the table out waits for us.
        let table = unsafe { table.as_ref() }?;
        // INVARIANT: By the invariant of the slot the table is complete.
        Some(Operations { dev: self, table })
    }

    /// The optional operations, if the device has any.
    #[inline]
    pub(crate) fn extended(self) -> Option<Extended<'a>> {
        // ORDERING: Relaxed: the accesses depend on the address.
        let table = self.ops.extended.load(Relaxed);
        // SAFETY: As in `operations`.
        let table = unsafe { table.as_ref() }?;
        Some(Extended { dev: self, table })
    }
}

impl Operations<'_> {
    /// Translates the page `pgoff`; the result is what the driver says.
    #[inline]
    pub(crate) fn direct_access(
        &self,
        pgoff: c_ulong,
        nr_pages: c_long,
        mode: bindings::dax_access_mode,
        kaddr: Option<&mut *mut c_void>,
        pfn: Option<&mut c_ulong>,
    ) -> c_long {
        // An `Option` of a reference is a pointer that may be NULL.
        let kaddr = kaddr.map_or(core::ptr::null_mut(), core::ptr::from_mut);
        let pfn = pfn.map_or(core::ptr::null_mut(), core::ptr::from_mut);
        let dev = device_to_raw(&self.dev);
        // SAFETY: The table has the operation by the type invariant. It gets a device that is
        // alive, and pointers that are NULL or valid for a write.
        unsafe {
            let direct_access = self.table.direct_access.unwrap_unchecked();
            direct_access(dev, pgoff, nr_pages, mode, kaddr, pfn)
        }
    }

    /// Zeroes pages; the result is what the driver says.
    #[inline]
    pub(crate) fn zero_page_range(&self, pgoff: c_ulong, nr_pages: usize) -> c_int {
        // SAFETY: The table has the operation by the type invariant; the device is alive.
        unsafe {
            let zero_page_range = self.table.zero_page_range.unwrap_unchecked();
            zero_page_range(device_to_raw(&self.dev), pgoff, nr_pages)
        }
    }

    /// Writes to a poisoned range; 0 if the driver cannot do it.
    ///
    /// # Safety
    ///
    /// `addr` must be inside a window of the device with `bytes` more bytes, and `iter` must be a
    /// source that nobody else uses.
    #[inline]
    pub(crate) unsafe fn recovery_write(
        &self,
        pgoff: c_ulong,
        addr: *mut c_void,
        bytes: usize,
        iter: *mut bindings::iov_iter,
    ) -> usize {
        let dev = device_to_raw(&self.dev);
        match self.table.recovery_write {
            // SAFETY: The device is alive, and the caller ensures the rest.
            Some(recovery_write) => unsafe { recovery_write(dev, pgoff, addr, bytes, iter) },
            None => 0,
        }
    }

    /// Which operations there are, by name.
    pub(super) fn names(&self) -> [(&'static str, bool); 3] {
        [
            ("direct_access", self.table.direct_access.is_some()),
            ("zero_page_range", self.table.zero_page_range.is_some()),
            ("recovery_write", self.table.recovery_write.is_some()),
        ]
    }
}

impl Extended<'_> {
    /// Copies into the device, in the device's way.
    ///
    /// # Safety
    ///
    /// As for [`Operations::recovery_write`].
    #[inline]
    pub(crate) unsafe fn copy_from_iter(
        &self,
        pgoff: c_ulong,
        addr: *mut c_void,
        bytes: usize,
        iter: *mut bindings::iov_iter,
    ) -> usize {
        match self.table.copy_from_iter {
            // SAFETY: The device is alive, and the caller ensures the rest.
            Some(copy) => unsafe { copy(device_to_raw(&self.dev), pgoff, addr, bytes, iter) },
            None => 0,
        }
    }

    /// Copies out of the device, in the device's way.
    ///
    /// # Safety
    ///
    /// As for [`Operations::recovery_write`], but `iter` must be a destination.
    #[inline]
    pub(crate) unsafe fn copy_to_iter(
        &self,
        pgoff: c_ulong,
        addr: *mut c_void,
        bytes: usize,
        iter: *mut bindings::iov_iter,
    ) -> usize {
        match self.table.copy_to_iter {
            // SAFETY: The device is alive, and the caller ensures the rest.
            Some(copy) => unsafe { copy(device_to_raw(&self.dev), pgoff, addr, bytes, iter) },
            None => 0,
        }
    }

    /// Which operations there are, by name.
    pub(super) fn names(&self) -> [(&'static str, bool); 3] {
        [
            ("copy_from_iter", self.table.copy_from_iter.is_some()),
            ("copy_to_iter", self.table.copy_to_iter.is_some()),
            ("flush", self.table.flush.is_some()),
        ]
    }
}

/// Writes back what the caches hold of a range of `dev`, if it has its own way to.
///
/// # Safety
///
/// `addr` must be inside a mapped window of the device with `size` more bytes, and the caller must
/// be inside the SRCU domain since it asked for the window, or otherwise keep the driver.
#[inline]
pub(crate) unsafe fn flush(dev: &DaxDevice, addr: *mut c_void, size: usize) {
    // ORDERING: Relaxed: the accesses depend on the address.
    let table = dev.ops.extended.load(Relaxed);
    // SAFETY: The pointer is NULL or a table of the driver, which the caller keeps.
    if let Some(flush) = unsafe { table.as_ref() }.and_then(|table| table.flush) {
        // SAFETY: The caller ensures that the range is part of the device's mapped memory.
        unsafe { flush(device_to_raw(dev), addr, size) };
    }
}

/// Whether a table has what every device must have.
fn is_complete(table: &Table) -> bool {
    table.direct_access.is_some() && table.zero_page_range.is_some()
}

kernel_ext::check_prototypes!(alloc_dax, alloc_dax_ext, dax_set_ops);

/// Makes a device, publishing its operations with `publish`.
fn alloc(private: *mut c_void, publish: impl FnOnce(&DaxDevice)) -> *mut bindings::dax_device {
    match device::alloc(private, publish) {
        Ok(dev) => ARef::into_raw(dev).as_ptr().cast(),
        Err(e) => e.to_ptr(),
    }
}

/// Makes a device that is alive; `ops` may be NULL and come later ([`dax_set_ops`]).
///
/// Returns `-EINVAL` for an incomplete table and `-ENOMEM`, as error pointers. Sleeps.
///
/// # Safety
///
/// `ops` must be NULL or a table that lives as long as the device is alive, and whose operations
/// may be called with `private` as the device's private data.
#[no_mangle]
pub(crate) unsafe extern "C" fn alloc_dax(
    private: *mut c_void,
    ops: *const bindings::dax_operations,
) -> *mut bindings::dax_device {
    // C asks here for CPUs whose data caches alias (cpu_dcache_is_aliasing()). There is none among
    // those that Kconfig allows.
    // SAFETY: The caller ensures that it is NULL or valid.
    let table = unsafe { ops.as_ref() };
    if warn_on!(table.is_some_and(|table| !is_complete(table))) {
        return EINVAL.to_ptr();
    }
    // ORDERING: Relaxed: nobody else can reach the device.
    // INVARIANT: The table is complete, and lives as the caller promises.
    alloc(private, |dev| dev.ops.base.store(ops, Relaxed))
}

/// Makes a device with optional operations; otherwise as [`alloc_dax`].
///
/// # Safety
///
/// As for [`alloc_dax`]; `ops` must not be NULL.
#[no_mangle]
pub(crate) unsafe extern "C" fn alloc_dax_ext(
    private: *mut c_void,
    ops: *const bindings::dax_operations_ext,
) -> *mut bindings::dax_device {
    // SAFETY: The caller ensures that it is NULL or valid.
    let ops = unsafe { ops.as_ref() };
    match ops.filter(|ops| is_complete(&ops.base)) {
        Some(ops) => alloc(private, |dev| {
            let own_copies = (ops.copy_from_iter.is_some(), ops.copy_to_iter.is_some());
            super::publish_extended(dev, ops, &ops.base, own_copies);
        }),
        None => {
            warn_on!(true);
            EINVAL.to_ptr()
        }
    }
}

/// Gives operations to a device that has none (`-EBUSY` if it has), or takes them from it and waits
/// until none of them runs, if `ops` is NULL.
///
/// Returns `-EINVAL` for an incomplete table. Sleeps if `ops` is NULL.
///
/// # Safety
///
/// `dev` must be a valid device; `ops` must be NULL or a table that lives until it is taken out or
/// the device is dead; the caller must not be inside the SRCU domain if it is NULL.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_set_ops(
    dev: *mut bindings::dax_device,
    ops: *const bindings::dax_operations,
) -> c_int {
    // SAFETY: The caller ensures that it is valid.
    let dev = unsafe { device_ref(dev) };
    // SAFETY: The caller ensures that it is NULL or valid.
    let Some(table) = (unsafe { ops.as_ref() }) else {
        super::clear_ops(dev);
        return 0;
    };
    if warn_on!(!is_complete(table)) {
        return EINVAL.to_errno();
    }
    // INVARIANT: The table is complete, and lives as the caller promises.
    match super::set_ops(dev, ops) {
        Ok(()) => 0,
        Err(e) => e.to_errno(),
    }
}

#[kunit_tests(rust_dax_ops)]
mod tests {
    use super::*;
    use core::ptr;
    use kernel::error::from_err_ptr;

    /// # Safety
    ///
    /// None: it uses nothing.
    unsafe extern "C" fn direct_access(
        _: *mut bindings::dax_device,
        _: c_ulong,
        nr_pages: c_long,
        _: bindings::dax_access_mode,
        _: *mut *mut c_void,
        _: *mut c_ulong,
    ) -> c_long {
        nr_pages
    }

    /// # Safety
    ///
    /// None: it uses nothing.
    unsafe extern "C" fn zero_page_range(
        _: *mut bindings::dax_device,
        _: c_ulong,
        _: usize,
    ) -> c_int {
        0
    }

    static TABLE: Table = Table {
        direct_access: Some(direct_access),
        zero_page_range: Some(zero_page_range),
        recovery_write: None,
    };

    static EXTENDED: ExtTable = ExtTable {
        base: TABLE,
        copy_from_iter: None,
        copy_to_iter: None,
        flush: None,
    };

    fn access(dev: *mut bindings::dax_device) -> c_long {
        let mode = bindings::dax_access_mode::DAX_ACCESS;
        let guard = crate::liveness::read_lock();
        // SAFETY: The tests pass a device that they have made, and the read lock is held.
        let pages = unsafe {
            bindings::dax_direct_access(dev, 0, 1, mode, ptr::null_mut(), ptr::null_mut())
        };
        drop(guard);
        pages
    }

    /// Ends a device.
    fn end(dev: *mut bindings::dax_device) {
        // SAFETY: The tests own the only reference.
        unsafe {
            bindings::kill_dax(dev);
            bindings::put_dax(dev);
        }
    }

    #[test]
    fn incomplete_tables() {
        assert!(is_complete(&TABLE));
        assert!(!is_complete(&Table {
            zero_page_range: None,
            ..TABLE
        }));
        assert!(!is_complete(&Table {
            direct_access: None,
            ..TABLE
        }));
    }

    #[test]
    fn set_and_clear() -> Result {
        // SAFETY: No operations, and the tables are static.
        let dev = from_err_ptr(unsafe { alloc_dax(ptr::null_mut(), ptr::null()) })?;
        let set = |ops: *const Table| {
            // SAFETY: The device is valid, the tables are static.
            unsafe { dax_set_ops(dev, ops) }
        };
        assert!(access(dev) < 0);
        assert_eq!(set(&TABLE), 0);
        assert_eq!(access(dev), 1);
        assert_eq!(set(&TABLE), EBUSY.to_errno());
        assert_eq!(access(dev), 1);
        // Clearing always works, also twice.
        assert_eq!(set(ptr::null()), 0);
        assert!(access(dev) < 0);
        assert_eq!(set(ptr::null()), 0);
        assert_eq!(set(&TABLE), 0);
        assert_eq!(access(dev), 1);
        end(dev);
        Ok(())
    }

    #[test]
    fn extended_table_is_for_life() -> Result {
        // SAFETY: The table is static and does not use the private data.
        let dev = from_err_ptr(unsafe { alloc_dax_ext(ptr::null_mut(), &EXTENDED) })?;
        assert_eq!(access(dev), 1);
        // SAFETY: The device is valid, the table is static.
        assert_eq!(unsafe { dax_set_ops(dev, &TABLE) }, EBUSY.to_errno());
        // SAFETY: As above.
        assert_eq!(unsafe { dax_set_ops(dev, ptr::null()) }, 0);
        assert!(access(dev) < 0);
        // SAFETY: As above.
        assert_eq!(unsafe { dax_set_ops(dev, &TABLE) }, EBUSY.to_errno());
        end(dev);
        Ok(())
    }
}
