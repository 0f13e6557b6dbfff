// SPDX-License-Identifier: GPL-2.0

//! Reaching the memory of a device: which operation, or which routine, does it.

use crate::{
    device::flag,
    liveness::AliveDax,
    ops::Extended, //
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
    dax::RawAccessMode as Mode,
    error::errno, //
};

mod ffi;

#[cfg(CONFIG_KUNIT = "y")]
mod test {
    mod ffi;
}

/// How bytes are copied.
pub(crate) enum Copy<'a> {
    /// As to or from any other memory.
    Plain,
    /// By the architecture's routine that keeps them out of the caches, or survives machine checks.
    Careful,
    /// By the device.
    Own(Extended<'a>),
}

impl<'a> AliveDax<'a> {
    /// Translates the page `pgoff`; returns the number of pages, 1 to `nr_pages`.
    #[inline]
    fn direct_access(
        self,
        pgoff: c_ulong,
        nr_pages: c_long,
        mode: Mode,
        kaddr: Option<&mut *mut c_void>,
        pfn: Option<&mut c_ulong>,
    ) -> c_long {
        let Some(ops) = self.operations() else {
            return -(errno::EOPNOTSUPP as c_long);
        };
        if nr_pages < 0 {
            return EINVAL.to_errno() as c_long;
        }
        match ops.direct_access(pgoff, nr_pages, mode, kaddr, pfn) {
            0 => ERANGE.to_errno() as c_long,
            // An error is less than any number of pages.
            pages => nr_pages.min(pages),
        }
    }

    /// Zeroes the page `pgoff`.
    ///
    /// More than one page at once is refused with `EIO`, as in C. Not only have targets of
    /// device-mapper yet to split such ranges: dm-log-writes passes bytes instead of pages
    /// (`nr_pages << PAGE_SHIFT`) and relies on this very check not to zero 4096 pages.
    #[inline]
    fn zero_page_range(self, pgoff: c_ulong, nr_pages: usize) -> c_int {
        let Some(ops) = self.operations() else {
            return -errno::EOPNOTSUPP;
        };
        if nr_pages != 1 {
            return EIO.to_errno();
        }
        let status = ops.zero_page_range(pgoff, nr_pages);
        // Poison is a memory error; here the device acts as a block device.
        if status == -errno::EHWPOISON {
            EIO.to_errno()
        } else {
            status
        }
    }

    /// How bytes get into the device.
    #[inline]
    fn copy_from(self) -> Copy<'a> {
        self.copy(flag::NOCACHE, flag::EXT_COPY_FROM)
    }

    /// How bytes get out of the device.
    #[inline]
    fn copy_to(self) -> Copy<'a> {
        self.copy(flag::NOMC, flag::EXT_COPY_TO)
    }

    #[inline]
    fn copy(self, careful: u32, own: u32) -> Copy<'a> {
        let (careful, own) = (1 << careful, 1 << own);
        let flags = self.flags_then() & (careful | own);
        if flags == 0 {
            Copy::Plain
        } else if flags == careful {
            Copy::Careful
        } else if let Some(extended) = self.extended() {
            Copy::Own(extended)
        } else {
            // The operations were taken out.
            Copy::Plain
        }
    }
}
