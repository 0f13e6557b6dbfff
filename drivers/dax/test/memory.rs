// SPDX-License-Identifier: GPL-2.0

//! Devices of Rust drivers, over memory of tests.

use core::ptr::NonNull;
use kernel::{
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        ArcBorrow, //
    },
};
use kernel_ext::{
    dax::{
        AccessMode,
        Host,
        Operations,
        PageOffset,
        Properties,
        Registration,
        Translation, //
    },
    error::ehwpoison,
    pmem::MappedRange,
    units::Pfn, //
};

/// Memory of [`PAGES`] pages, of which the page [`POISONED`] is poisoned.
pub(super) struct Memory {
    bytes: KVVec<u8>,
    /// How often the driver's own copies were called.
    pub(super) copies: Atomic<i32>,
}

/// How often the driver's own flush was called.
pub(super) static FLUSHES: Atomic<i32> = Atomic::new(0);

pub(super) const PAGES: usize = 8;
pub(super) const POISONED: usize = 3;

impl Memory {
    pub(super) fn new() -> Result<Arc<Self>> {
        Ok(Arc::new(
            Self {
                bytes: KVVec::from_elem(0xa5, PAGES * PAGE_SIZE, GFP_KERNEL)?,
                copies: Atomic::new(0),
            },
            GFP_KERNEL,
        )?)
    }

    pub(super) fn addr(&self, pgoff: usize) -> *mut u8 {
        self.bytes
            .as_ptr()
            .cast_mut()
            .wrapping_add(pgoff * PAGE_SIZE)
    }

    fn window(&self, pgoff: PageOffset, mode: AccessMode) -> Result<Translation> {
        let pgoff = pgoff.pages();
        if mode == AccessMode::Access && pgoff == POISONED {
            return Err(ehwpoison());
        }
        let end = if pgoff < POISONED { POISONED } else { PAGES };
        let pages = end.checked_sub(pgoff).ok_or(ERANGE)?;
        let addr = NonNull::new(self.addr(pgoff)).ok_or(EINVAL)?;
        // SAFETY:
        // - The memory lives as long as the device, and Rust code accesses it by pointers only.
        // - No filesystem uses the frames, which are invented.
        unsafe { Translation::new(addr, Pfn::new(0x1000 + pgoff), pages) }
    }
}

/// A device with the operations that every device must have.
pub(super) struct Plain;

#[vtable]
impl Operations for Plain {
    type Data = Arc<Memory>;

    fn direct_access(
        memory: ArcBorrow<'_, Memory>,
        pgoff: PageOffset,
        _nr_pages: usize,
        mode: AccessMode,
    ) -> Result<Translation> {
        memory.window(pgoff, mode)
    }

    fn zero_page_range(
        _memory: ArcBorrow<'_, Memory>,
        pgoff: PageOffset,
        _nr_pages: usize,
    ) -> Result {
        match pgoff.pages() {
            POISONED => Err(ehwpoison()),
            pgoff if pgoff < PAGES => Ok(()),
            _ => Err(ERANGE),
        }
    }
}

/// Has everything, and counts.
pub(super) struct Full;

#[vtable]
impl Operations for Full {
    type Data = Arc<Memory>;

    fn direct_access(
        memory: ArcBorrow<'_, Memory>,
        pgoff: PageOffset,
        _nr_pages: usize,
        mode: AccessMode,
    ) -> Result<Translation> {
        memory.window(pgoff, mode)
    }

    fn zero_page_range(_: ArcBorrow<'_, Memory>, _: PageOffset, _: usize) -> Result {
        Ok(())
    }

    fn recovery_write(
        _memory: ArcBorrow<'_, Memory>,
        _pgoff: PageOffset,
        dst: MappedRange<'_>,
        iter: &mut IovIterSource<'_>,
    ) -> usize {
        iter.advance(dst.len());
        dst.len()
    }

    fn copy_from_iter(
        memory: ArcBorrow<'_, Memory>,
        _pgoff: PageOffset,
        dst: MappedRange<'_>,
        iter: &mut IovIterSource<'_>,
    ) -> usize {
        memory.copies.fetch_add(1, Relaxed);
        iter.advance(dst.len());
        dst.len()
    }

    fn copy_to_iter(
        memory: ArcBorrow<'_, Memory>,
        _pgoff: PageOffset,
        src: MappedRange<'_>,
        iter: &mut IovIterDest<'_>,
    ) -> usize {
        memory.copies.fetch_add(1, Relaxed);
        iter.advance(src.len());
        src.len()
    }

    fn flush(_range: MappedRange<'_>) {
        FLUSHES.fetch_add(1, Relaxed);
    }
}

pub(super) fn register<T: Operations<Data = Arc<Memory>>>(
    properties: Properties,
) -> Result<(Arc<Memory>, Registration<T>)> {
    let memory = Memory::new()?;
    let dax = Registration::new(Host::None, memory.clone(), properties)?;
    Ok((memory, dax))
}
