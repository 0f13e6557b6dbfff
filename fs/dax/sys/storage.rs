// SPDX-License-Identifier: GPL-2.0

//! The memory for which entries can be made: device memory, and the pages of zeros.
//!
//! Each function here establishes what [`Storage`] or [`Zeros`] says of itself.

use super::entry::{
    Order,
    Storage,
    Zeros, //
};
use kernel::prelude::*;
use kernel_ext::{
    dax::{
        client::ReadGuard,
        AccessMode, //
    },
    iomap::Map,
    mm::fault::{
        HugeZeroFolio,
        ZeroPage, //
    },
};

impl<'a> Storage<'a> {
    /// The memory of `order` that holds the bytes of the file from `pos` on, which the extent `map`
    /// has.
    ///
    /// Fails with `EINVAL` if the pages do not follow each other in memory, or if no entry of that
    /// order can begin with the first; else as
    /// [`direct_access`](kernel_ext::dax::DaxDevice::direct_access).
    #[inline(always)]
    pub(crate) fn at(map: &'a Map, guard: &'a ReadGuard, pos: u64, order: Order) -> Result<Self> {
        let (window, pfn) = map.dax_device()?.direct_access_frame(
            guard,
            map.page_offset(pos),
            order.pages(),
            AccessMode::Access,
        )?;
        if window.pages() < order.pages() || !pfn.is_aligned(order.log2()) {
            return Err(EINVAL);
        }
        // SAFETY:
        // - The device has just answered that its pages from `pos` on are the frames from `pfn` on,
        //   and not fewer than the order has.
        // - A frame that `direct_access()` answers with has a `struct page`. A driver of devices
        //   that filesystems use (pmem, virtiofs, fsdev) maps them with the type
        //   `MEMORY_DEVICE_FS_DAX`; device-mapper passes on the answers of such drivers.
        // - The device was alive, and `kill_dax()`, after which the driver removes the memory,
        //   waits for `guard`, which lives for `'a`.
        // - The number of the first frame is a multiple of the number of pages: checked above.
        Ok(unsafe { Self::new(pfn, order) })
    }
}

impl Zeros {
    /// The page of zeros.
    #[inline]
    pub(crate) fn page(zero: ZeroPage) -> Self {
        // SAFETY: The zero page is one page that is never freed.
        unsafe { Self::new(zero.pfn(), Order::Pte) }
    }

    /// The huge folio of zeros.
    #[inline]
    pub(crate) fn huge(zero: HugeZeroFolio<'_>) -> Self {
        // SAFETY: The huge zero folio has the order of a PMD, and the frame is its first. It may be
        // freed when no address space uses it any more, but an entry only names it.
        unsafe { Self::new(zero.folio().pfn(), Order::Pmd) }
    }
}
