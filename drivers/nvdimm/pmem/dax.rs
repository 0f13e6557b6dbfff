// SPDX-License-Identifier: GPL-2.0

//! Direct access to the memory, for filesystems.

use super::{
    device::PmemDevice,
    geometry::{
        page_span,
        recovery_stride,
        sectors_of_pages,
        DataOffset, //
    },
    poison,
    sys::{
        access,
        memory::DataPages, //
    }, //
};
use kernel::{
    dev_dbg,
    iov::IovIterSource,
    prelude::*,
    sync::{
        Arc,
        ArcBorrow, //
    }, //
};
use kernel_ext::{
    dax::{
        AccessMode,
        Operations,
        PageOffset,
        Translation, //
    },
    error::ehwpoison,
    pmem::MappedRange,
    units::{
        Sectors,
        PAGE_SIZE, //
    }, //
};

/// The DAX device of a pmem device.
pub(crate) struct PmemDax;

#[vtable]
impl Operations for PmemDax {
    type Data = Arc<PmemDevice>;

    #[inline]
    fn direct_access(
        pmem: ArcBorrow<'_, PmemDevice>,
        pgoff: PageOffset,
        nr_pages: usize,
        mode: AccessMode,
    ) -> Result<Translation> {
        if access::is_overridden() {
            return access::direct_access(&pmem, pgoff, nr_pages, mode);
        }
        usable_pages(&pmem, offset(pgoff)?, nr_pages as u64, mode)?.translation()
    }

    fn zero_page_range(
        pmem: ArcBorrow<'_, PmemDevice>,
        pgoff: PageOffset,
        nr_pages: usize,
    ) -> Result {
        let start = offset(pgoff)?;
        let len = (nr_pages as u64).checked_mul(PAGE_SIZE).ok_or(ERANGE)?;
        let memory = pmem.memory.window(start, len as usize).ok_or(ERANGE)?;
        if pmem.bad_blocks.is_empty() {
            memory.zero();
            return Ok(());
        }
        for at in (0..len).step_by(PAGE_SIZE as usize) {
            let at = DataOffset(start.0 + at);
            if is_bad(&pmem, at, PAGE_SIZE) {
                poison::clear(&pmem, at, PAGE_SIZE as u32)?;
            }
            let page = pmem.memory.window(at, PAGE_SIZE as usize);
            page.ok_or(ERANGE)?.zero();
        }
        Ok(())
    }

    fn recovery_write(
        pmem: ArcBorrow<'_, PmemDevice>,
        pgoff: PageOffset,
        dst: MappedRange<'_>,
        iter: &mut IovIterSource<'_>,
    ) -> usize {
        let in_page = dst.as_ptr() as u64 % PAGE_SIZE;
        let (Ok(at), Some(len)) = (offset(pgoff), page_span(in_page, dst.len() as u64)) else {
            return 0;
        };
        if !is_bad(&pmem, at, len) {
            return dst.copy_from_iter(iter);
        }
        // Only whole pages can be repaired, so a write of less fails.
        let whole = in_page == 0 && dst.len() as u64 == len;
        let (true, Ok(bytes)) = (whole, u32::try_from(len)) else {
            dev_dbg!(
                pmem.dev.as_ref(),
                "Found poison, but {} bytes from {} bytes into a page are not whole pages\n",
                dst.len(),
                in_page
            );
            return 0;
        };
        match poison::repair(&pmem, at, bytes) {
            Ok(cleared) if cleared == bytes => (),
            Ok(cleared) => {
                dev_dbg!(
                    pmem.dev.as_ref(),
                    "poison cleared only {} out of {} bytes\n",
                    cleared,
                    bytes
                );
                return 0;
            }
            Err(e) => {
                dev_dbg!(pmem.dev.as_ref(), "poison clear failed: {}\n", e.to_errno());
                return 0;
            }
        }
        let copied = dst.copy_from_iter(iter);
        poison::forget(&pmem, at, bytes);
        copied
    }

    fn copy_from_iter(
        _pmem: ArcBorrow<'_, PmemDevice>,
        _pgoff: PageOffset,
        dst: MappedRange<'_>,
        iter: &mut IovIterSource<'_>,
    ) -> usize {
        dst.copy_from_iter(iter)
    }

    fn flush(range: MappedRange<'_>) {
        range.flush();
    }
}

/// The place of a page; fails with `ERANGE` if no device is that large.
#[inline]
fn offset(pgoff: PageOffset) -> Result<DataOffset> {
    pgoff.bytes().map(DataOffset).ok_or(ERANGE)
}

/// The pages from `at` on that may be accessed at once, if the caller wants `wanted` pages.
///
/// Fails with `ERANGE` past the end, and with `EHWPOISON` if one of them is known to be bad and the
/// caller is not going to repair it.
#[inline]
fn usable_pages(
    pmem: &PmemDevice,
    at: DataOffset,
    wanted: u64,
    mode: AccessMode,
) -> Result<DataPages<'_>> {
    let pages = pmem.memory.pages_from(at).ok_or(ERANGE)?;
    if pmem.bad_blocks.is_empty() {
        return Ok(pages);
    }
    let pages = pages.up_to(wanted);
    match pmem
        .bad_blocks
        .first_bad(at.sector(), sectors_of_pages(pages.count()))
    {
        None => Ok(pages),
        Some(bad) if mode == AccessMode::RecoveryWrite => {
            let stride = recovery_stride(at.sector(), bad, pages.count());
            dev_dbg!(
                pmem.dev.as_ref(),
                "start sector({}), nr_pages({}), first_bad({}), actual_nr({})\n",
                at.sector().0,
                pages.count(),
                bad.0,
                stride
            );
            Ok(pages.up_to(stride))
        }
        Some(_) => Err(ehwpoison()),
    }
}

fn is_bad(pmem: &PmemDevice, at: DataOffset, len: u64) -> bool {
    pmem.bad_blocks
        .first_bad(at.sector(), Sectors::in_bytes(len))
        .is_some()
}
