// SPDX-License-Identifier: GPL-2.0

//! Reads, writes and translations of a device's memory, by its operations or by routines of C.

use crate::{
    device::{
        flag,
        Device, //
    },
    liveness::AliveDax,
    pages::PageCount,
    sys::{
        copy,
        iter::{
            Dest,
            Source, //
        },
        operations::{
            Answer,
            ExtendedOperations,
            KeptDriver,
            Operations, //
        },
    },
};
use kernel::{
    prelude::*, //
};
use kernel_ext::{
    bitops::FlagSet,
    dax::{
        PageOffset,
        RawAccessMode, //
    },
    error::ehwpoison,
    pmem::MappedRange, //
};

/// Translates the page `pgoff`; returns the number of pages, 1 to `wanted`, or 0 if that is 0.
///
/// Fails with `ERANGE` past the end of the device, or as the driver says.
#[inline]
pub(crate) fn direct_access(
    ops: &Operations<'_>,
    pgoff: PageOffset,
    wanted: PageCount,
    mode: RawAccessMode,
    answer: Answer<'_>,
) -> Result<PageCount> {
    match ops.direct_access(pgoff, wanted, mode, answer)? {
        PageCount::ZERO => Err(ERANGE),
        found => Ok(found.min(wanted)),
    }
}

/// Zeroes the page `pgoff`.
///
/// More than one page at once is refused with `EIO`, as in C. Not only have targets of device-mapper
/// yet to split such ranges: dm-log-writes passes bytes instead of pages (`nr_pages << PAGE_SHIFT`),
/// and without this check 4096 pages would be zeroed.
#[inline]
pub(crate) fn zero_page_range(
    ops: &Operations<'_>,
    pgoff: PageOffset,
    pages: Option<PageCount>,
) -> Result {
    if pages != Some(PageCount::ONE) {
        return Err(EIO);
    }
    // Callers of this function treat the device as a block device, so poison is an I/O error.
    ops.zero_page(pgoff)
        .map_err(|e| if e == ehwpoison() { EIO } else { e })
}

/// Writes from `iter` to `dst`, which lies in the page `pgoff` and is or may be poisoned; returns the
/// number of bytes written, 0 for a device that cannot do it.
#[inline]
pub(crate) fn recovery_write(
    dev: AliveDax<'_>,
    pgoff: PageOffset,
    dst: MappedRange<'_>,
    iter: Source<'_>,
) -> usize {
    dev.operations()
        .map_or(0, |ops| ops.recovery_write(pgoff, dst, iter))
}

/// How bytes are copied.
enum Copy<'a> {
    /// As to or from any other memory.
    Plain,
    /// By the architecture's routine that goes around the caches, or survives machine checks.
    Careful,
    /// By the device.
    Own(ExtendedOperations<'a>),
}

impl<'a> Copy<'a> {
    /// How `dev` is copied to or from, if `careful` and `own` are its flags for that direction.
    #[inline]
    fn of(dev: AliveDax<'a>, careful: flag::Flag, own: flag::Flag) -> Self {
        let both: FlagSet<Device> = careful.set().with(own);
        let flags = dev.flags_then().intersection(both);
        if flags.is_empty() {
            Self::Plain
        } else if flags == careful.set() {
            Self::Careful
        } else if let Some(extended) = dev.extended() {
            Self::Own(extended)
        } else {
            // The operations were taken out.
            Self::Plain
        }
    }
}

/// Copies from `iter` to `dst`, which lies in the page `pgoff`; returns the number of bytes copied.
#[inline]
pub(crate) fn copy_from_iter(
    dev: AliveDax<'_>,
    pgoff: PageOffset,
    dst: MappedRange<'_>,
    iter: Source<'_>,
) -> usize {
    match Copy::of(dev, flag::NOCACHE, flag::EXT_COPY_FROM) {
        Copy::Plain => copy::from_iter(dst, iter),
        Copy::Careful => copy::from_iter_flushcache(dst, iter),
        Copy::Own(ops) => ops.copy_from_iter(pgoff, dst, iter),
    }
}

/// Copies from `src`, which lies in the page `pgoff`, to `iter`; returns the number of bytes copied.
#[inline]
pub(crate) fn copy_to_iter(
    dev: AliveDax<'_>,
    pgoff: PageOffset,
    src: MappedRange<'_>,
    iter: Dest<'_>,
) -> usize {
    match Copy::of(dev, flag::NOMC, flag::EXT_COPY_TO) {
        Copy::Plain => copy::to_iter(src, iter),
        Copy::Careful => copy::mc_to_iter(src, iter),
        Copy::Own(ops) => ops.copy_to_iter(pgoff, src, iter),
    }
}

/// Writes back what the CPU caches hold of `range`, if the write cache of the device is enabled.
#[inline]
pub(crate) fn flush(dev: KeptDriver<'_>, range: MappedRange<'_>) {
    if dev.device().has(flag::WRITE_CACHE) {
        copy::write_back(range);
    } else if dev.device().has(flag::EXT_WRITE_CACHE) {
        dev.flush(range);
    }
}
