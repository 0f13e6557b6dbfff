// SPDX-License-Identifier: GPL-2.0

//! Calls into the tables of drivers.

use super::{
    iter::{
        Dest,
        Source, //
    },
    object::as_raw,
    table::{
        Base,
        Extended, //
    },
};
use crate::{
    device::DeviceObject,
    liveness::AliveDax,
    pages::PageCount, //
};
use core::marker::PhantomData;
use kernel::{
    error::to_result,
    ffi::{
        c_int,
        c_ulong,
        c_void, //
    },
    prelude::*, //
};
use kernel_ext::{
    dax::{
        PageOffset,
        RawAccessMode, //
    },
    pmem::MappedRange, //
};

/// Where C wants to find the address and the frame of a page.
///
/// # Invariants
///
/// Each pointer is NULL or valid for a write during `'a`.
pub(crate) struct Answer<'a> {
    kaddr: *mut *mut c_void,
    pfn: *mut c_ulong,
    _lifetime: PhantomData<&'a mut ()>,
}

impl Answer<'_> {
    /// # Safety
    ///
    /// `kaddr` and `pfn` must each be NULL or valid for a write during the lifetime of the result.
    #[inline]
    pub(crate) unsafe fn new(kaddr: *mut *mut c_void, pfn: *mut c_ulong) -> Self {
        // INVARIANT: The caller ensures what the invariants say, as `# Safety` asks.
        Self {
            kaddr,
            pfn,
            _lifetime: PhantomData,
        }
    }
}

/// The name of an operation, and whether a device has it.
pub(crate) type Name = (&'static str, bool);

/// The operations of a device that is alive.
pub(crate) struct Operations<'a> {
    dev: AliveDax<'a>,
    table: &'a Base,
}

/// The optional operations of a device that is alive.
pub(crate) struct ExtendedOperations<'a> {
    dev: AliveDax<'a>,
    table: &'a Extended,
}

impl<'a> AliveDax<'a> {
    /// The operations, if the device has any.
    #[inline]
    pub(crate) fn operations(self) -> Option<Operations<'a>> {
        // SAFETY: The device was alive in an SRCU section that lasts for `'a`.
        let table = unsafe { self.ops.base.load() };
        table.map(|table| Operations { dev: self, table })
    }

    /// The optional operations, if the device has any.
    #[inline]
    pub(crate) fn extended(self) -> Option<ExtendedOperations<'a>> {
        // SAFETY: The device was alive in an SRCU section that lasts for `'a`.
        let table = unsafe { self.ops.extended.load() };
        table.map(|table| ExtendedOperations { dev: self, table })
    }
}

impl Operations<'_> {
    /// Translates the page `pgoff`; returns the number of pages that the driver has there.
    #[inline]
    pub(crate) fn direct_access(
        &self,
        pgoff: PageOffset,
        pages: PageCount,
        mode: RawAccessMode,
        answer: Answer<'_>,
    ) -> Result<PageCount> {
        let Answer { kaddr, pfn, .. } = answer;
        // SAFETY:
        // - The table has the operation by the type invariant of `Base`.
        // - The device is alive in our SRCU section, and the table was lent to it.
        // - The pointers are NULL or valid for a write by the type invariant of `Answer`.
        let found = unsafe {
            let direct_access = self.table.0.direct_access.unwrap_unchecked();
            let pgoff = pgoff.pages();
            direct_access(as_raw(&self.dev), pgoff, pages.get(), mode, kaddr, pfn)
        };
        // CAST: An error fits.
        PageCount::new(found).ok_or_else(|| Error::from_errno(found as c_int))
    }

    /// Makes one page persistently zero.
    #[inline]
    pub(crate) fn zero_page(&self, pgoff: PageOffset) -> Result {
        // SAFETY:
        // - The table has the operation by the type invariant of `Base`.
        // - The device is alive in our SRCU section, and the table was lent to it.
        let status = unsafe {
            let zero_page_range = self.table.0.zero_page_range.unwrap_unchecked();
            zero_page_range(as_raw(&self.dev), pgoff.pages(), 1)
        };
        match status {
            0 => Ok(()),
            status => to_result(status),
        }
    }

    /// Writes to a poisoned range in the page `pgoff`; returns the number of bytes written, 0 if the
    /// driver cannot do it.
    #[inline]
    pub(crate) fn recovery_write(
        &self,
        pgoff: PageOffset,
        dst: MappedRange<'_>,
        iter: Source<'_>,
    ) -> usize {
        let Some(recovery_write) = self.table.0.recovery_write else {
            return 0;
        };
        let (dev, addr, len) = (as_raw(&self.dev), dst.as_ptr().cast(), dst.len());
        // SAFETY:
        // - The device is alive in our SRCU section, and the table was lent to it.
        // - The range is mapped by the type invariant of `MappedRange`.
        // - The iterator is a valid source that only we use, by its type invariant.
        unsafe { recovery_write(dev, pgoff.pages(), addr, len, iter.into_raw()) }
    }

    /// Which operations there are, by name.
    pub(crate) fn names(&self) -> [Name; 3] {
        let table = &self.table.0;
        [
            ("direct_access", table.direct_access.is_some()),
            ("zero_page_range", table.zero_page_range.is_some()),
            ("recovery_write", table.recovery_write.is_some()),
        ]
    }
}

impl ExtendedOperations<'_> {
    /// Copies to the range `dst` in the page `pgoff`, in the device's way.
    #[inline]
    pub(crate) fn copy_from_iter(
        &self,
        pgoff: PageOffset,
        dst: MappedRange<'_>,
        iter: Source<'_>,
    ) -> usize {
        let Some(copy) = self.table.0.copy_from_iter else {
            return 0;
        };
        let (dev, addr, len) = (as_raw(&self.dev), dst.as_ptr().cast(), dst.len());
        // SAFETY:
        // - The device is alive in our SRCU section, and the table was lent to it.
        // - The range is mapped by the type invariant of `MappedRange`.
        // - The iterator is a valid source that only we use, by its type invariant.
        unsafe { copy(dev, pgoff.pages(), addr, len, iter.into_raw()) }
    }

    /// Copies from the range `src` in the page `pgoff`, in the device's way.
    #[inline]
    pub(crate) fn copy_to_iter(
        &self,
        pgoff: PageOffset,
        src: MappedRange<'_>,
        iter: Dest<'_>,
    ) -> usize {
        let Some(copy) = self.table.0.copy_to_iter else {
            return 0;
        };
        let (dev, addr, len) = (as_raw(&self.dev), src.as_ptr().cast(), src.len());
        // SAFETY:
        // - The device is alive in our SRCU section, and the table was lent to it.
        // - The range is mapped by the type invariant of `MappedRange`.
        // - The iterator is a valid destination that only we use, by its type invariant.
        unsafe { copy(dev, pgoff.pages(), addr, len, iter.into_raw()) }
    }

    /// Which operations there are, by name.
    pub(crate) fn names(&self) -> [Name; 3] {
        let table = &self.table.0;
        [
            ("copy_from_iter", table.copy_from_iter.is_some()),
            ("copy_to_iter", table.copy_to_iter.is_some()),
            ("flush", table.flush.is_some()),
        ]
    }
}

/// A device that may be dead, and whose driver is there all the same.
///
/// # Invariants
///
/// The driver does not free its tables during `'a`.
#[derive(Clone, Copy)]
pub(crate) struct KeptDriver<'a>(&'a DeviceObject);

impl<'a> KeptDriver<'a> {
    /// # Safety
    ///
    /// For `'a`, the caller must keep the driver of `dev` from freeing its tables.
    #[inline]
    pub(crate) unsafe fn new(dev: &'a DeviceObject) -> Self {
        // INVARIANT: The caller ensures what the invariants say, as `# Safety` asks.
        Self(dev)
    }

    /// The device.
    #[inline]
    pub(crate) fn device(self) -> &'a DeviceObject {
        self.0
    }

    /// Writes back what the CPU caches hold of `range`, if the device has its own way to do so.
    #[inline]
    pub(crate) fn flush(self, range: MappedRange<'_>) {
        // SAFETY: The driver keeps its tables for `'a` by the type invariant.
        let table: Option<&'a Extended> = unsafe { self.0.ops.extended.load() };
        if let Some(flush) = table.and_then(|table| table.0.flush) {
            // SAFETY:
            // - The device has a reference for `'a`, by which `self` borrows it.
            // - The operation is of the table that was lent to this device, and the driver keeps the
            //   table and the code for `'a`, by the type invariant.
            // - The range is mapped by the type invariant of `MappedRange`.
            unsafe { flush(as_raw(self.0), range.as_ptr().cast(), range.len()) };
        }
    }
}
