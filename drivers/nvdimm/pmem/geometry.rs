// SPDX-License-Identifier: GPL-2.0

//! The layout of a pmem device.
//!
//! ```text
//! namespace  |<------------------------ size() ------------------------------->|
//!            | info block, struct pages |          data            |    pad    |
//!            |<----- data_offset() ---->|<------ data_range() ---->|           |
//! mapped     |<--------------------- mapped() -------------------->|
//! ```
//!
//! Sectors and pages of the disk count from the start of the data ([`DataOffset`]).
//!
//! Nothing here depends on the kernel, so the tests also run on the host.

#[cfg(test)]
#[path = "../../../rust/units.rs"]
mod units;

#[cfg(not(test))]
use kernel_ext::units;

use units::{
    PhysAddr,
    PhysRange,
    Sector,
    Sectors,
    PAGE_SHIFT,
    PAGE_SIZE,
    SECTOR_SHIFT, //
};

/// An offset from the start of the data, in bytes: a position on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub(crate) struct DataOffset(pub(crate) u64);

impl DataOffset {
    /// The sector that the byte is in.
    #[inline]
    pub(crate) const fn sector(self) -> Sector {
        Sector(self.0 >> SECTOR_SHIFT)
    }
}

impl From<Sector> for DataOffset {
    #[inline]
    fn from(sector: Sector) -> Self {
        Self(sector.0 << SECTOR_SHIFT)
    }
}

/// The layout of a device.
///
/// # Invariants
///
/// - `data` has `data_bytes` bytes, at least a sector.
/// - `data_offset` bytes before `data` and `pad` bytes after it are addresses: neither overflows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    data: PhysRange,
    data_bytes: u64,
    data_offset: u64,
    pad: u32,
}

impl Geometry {
    /// The layout of a namespace of `size` bytes, of which `mapped` is mapped and the first
    /// `data_offset` bytes of that do not hold data.
    ///
    /// [`None`] if it contradicts itself, or leaves no sector for data.
    pub(crate) fn new(size: u64, mapped: PhysRange, data_offset: u64) -> Option<Self> {
        let pad = u32::try_from(size.checked_sub(mapped.bytes())?).ok()?;
        let data = mapped.trimmed(data_offset, 0)?;
        if Sectors::in_bytes(data.bytes()).0 == 0 {
            return None;
        }
        mapped.start().0.checked_add(size)?;
        // INVARIANT: The data is `data_offset` after the start of `mapped`, whose start plus `size`
        // is the end of the pad.
        Some(Self {
            data,
            data_bytes: data.bytes(),
            data_offset,
            pad,
        })
    }

    /// The size of the namespace, in bytes.
    pub(crate) const fn size(&self) -> u64 {
        self.data_offset + self.data_bytes + self.pad as u64
    }

    /// The physical address of the first mapped byte.
    pub(crate) const fn phys_start(&self) -> PhysAddr {
        PhysAddr(self.data.start().0 - self.data_offset)
    }

    /// The number of mapped bytes before the data.
    pub(crate) const fn data_offset(&self) -> u64 {
        self.data_offset
    }

    /// The number of bytes of the namespace that are not mapped.
    pub(crate) const fn pad(&self) -> u32 {
        self.pad
    }

    /// The size of the disk.
    pub(crate) const fn capacity(&self) -> Sectors {
        Sectors::in_bytes(self.data_bytes)
    }

    /// The physical memory that holds data.
    pub(crate) const fn data_range(&self) -> PhysRange {
        self.data
    }

    /// The physical address of a byte of the data; of no use past its end.
    #[inline]
    pub(crate) const fn phys(&self, at: DataOffset) -> PhysAddr {
        // Wraps, because a check for overflow would cost a branch in each direct access.
        PhysAddr(self.data.start().0.wrapping_add(at.0))
    }

    /// Where on the disk a physical address is, or [`None`] if it does not hold data.
    pub(crate) const fn find(&self, phys: PhysAddr) -> Option<DataOffset> {
        match phys.0.checked_sub(self.data.start().0) {
            Some(offset) if offset < self.data_bytes => Some(DataOffset(offset)),
            _ => None,
        }
    }

    /// The number of whole pages of data from `at` on, or [`None`] if there is none.
    #[inline]
    pub(crate) const fn pages_from(&self, at: DataOffset) -> Option<u64> {
        if at.0 >= self.data_bytes {
            return None;
        }
        let pages = (self.data_bytes - at.0) >> PAGE_SHIFT;
        if pages == 0 {
            return None;
        }
        Some(pages)
    }

    /// Whether the `len` bytes from `at` on are all data.
    #[inline]
    pub(crate) const fn contains(&self, at: DataOffset, len: u64) -> bool {
        match self.data_bytes.checked_sub(len) {
            Some(last) => at.0 <= last,
            None => false,
        }
    }
}

/// The number of sectors of `pages` pages, which are pages of a device.
#[inline]
pub(crate) const fn sectors_of_pages(pages: u64) -> Sectors {
    Sectors(pages << (PAGE_SHIFT - SECTOR_SHIFT))
}

/// How many pages a recovery write may take at once, when of `pages` pages from `at` on the first
/// bad sector is `bad`.
///
/// They end before the page with the bad sector or, if this is the first one, after it, because
/// drivers and firmware do not clear poison in large chunks reliably. So the answer is at least 1.
pub(crate) fn recovery_stride(at: Sector, bad: Sector, pages: u64) -> u64 {
    let good = bad.0.saturating_sub(at.0) >> (PAGE_SHIFT - SECTOR_SHIFT);
    good.clamp(1, pages.max(1))
}

/// The number of bytes of the pages that `len` bytes touch if they start `offset` bytes into a
/// page.
#[inline]
pub(crate) const fn page_span(offset: u64, len: u64) -> Option<u64> {
    match offset.checked_add(len) {
        Some(end) => end.checked_next_multiple_of(PAGE_SIZE),
        None => None,
    }
}

#[cfg_attr(not(test), kernel::macros::kunit_tests(rust_pmem_geometry))]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;
    const TIB: u64 = 1 << 40;

    fn range(start: u64, bytes: u64) -> PhysRange {
        PhysRange::new(PhysAddr(start), PhysAddr(start + bytes - 1)).unwrap()
    }

    fn fsdax(size: u64, data_offset: u64) -> Geometry {
        Geometry::new(size, range(4 * GIB, size), data_offset).unwrap()
    }

    #[test]
    fn layouts_that_contradict_themselves_are_refused() {
        let size = 16 * MIB;
        for (mapped, data_offset, good) in [
            (size, 0, true),
            (size, 2 * MIB, true),
            (size, size - 512, true),
            // No sector is left.
            (size, size - 511, false),
            (size, size, false),
            (size, u64::MAX, false),
            // More is mapped than the namespace has.
            (size + 4096, 0, false),
            // Trimmed at the end.
            (size - 2 * MIB, 2 * MIB, true),
            (size - 2 * MIB, size - 2 * MIB, false),
        ] {
            let geometry = Geometry::new(size, range(4 * GIB, mapped), data_offset);
            assert_eq!(geometry.is_some(), good);
        }
        // The end of the address space, and a pad of more than 32 bits.
        assert!(Geometry::new(size, range(u64::MAX - size, size), 0).is_some());
        assert!(Geometry::new(size, range(u64::MAX - size + 2, size - 2), 0).is_none());
        assert!(Geometry::new(8 * GIB, range(4 * GIB, MIB), 0).is_none());
    }

    #[test]
    fn offsets_and_addresses_agree() {
        let g = Geometry::new(64 * MIB, range(GIB, 62 * MIB), 2 * MIB).unwrap();
        assert_eq!(u64::from(g.pad()), 2 * MIB);
        assert_eq!(g.capacity(), Sectors(60 * MIB / 512));

        assert_eq!(g.size(), 64 * MIB);
        assert_eq!(g.data_offset(), 2 * MIB);
        assert_eq!(g.phys_start(), PhysAddr(GIB));

        let at = DataOffset::from(Sector(9));
        assert_eq!(g.phys(at), PhysAddr(GIB + 2 * MIB + 9 * 512));
        assert_eq!(g.find(g.phys(at)), Some(at));
        assert_eq!(at.sector(), Sector(9));

        let data = g.data_range();
        assert_eq!(data.start(), PhysAddr(GIB + 2 * MIB));
        assert_eq!(data.bytes(), 60 * MIB);
        assert_eq!(g.find(PhysAddr(data.start().0 - 1)), None);
        assert_eq!(g.find(data.last()), Some(DataOffset(60 * MIB - 1)));
        assert_eq!(g.find(PhysAddr(data.last().0 + 1)), None);
    }

    #[test]
    fn windows_end_at_the_end_of_the_data() {
        let g = fsdax(64 * MIB, 2 * MIB);
        let pages = 62 * MIB / 4096;
        for (page, want) in [
            (0, Some(pages)),
            (1, Some(pages - 1)),
            (pages - 1, Some(1)),
            (pages, None),
            (pages + 1, None),
            (u64::MAX >> PAGE_SHIFT, None),
        ] {
            assert_eq!(g.pages_from(DataOffset(page << PAGE_SHIFT)), want);
        }

        // An odd end: there is no whole page any more.
        let g = fsdax(64 * MIB + 512, 0);
        assert_eq!(g.pages_from(DataOffset(64 * MIB - 4096)), Some(1));
        assert_eq!(g.pages_from(DataOffset(64 * MIB)), None);
        assert_eq!(g.capacity(), Sectors(64 * MIB / 512 + 1));

        assert!(g.contains(DataOffset(64 * MIB), 512));
        assert!(!g.contains(DataOffset(64 * MIB), 513));
        assert!(!g.contains(DataOffset(u64::MAX), 1));
        assert!(!g.contains(DataOffset(0), u64::MAX));
    }

    #[test]
    fn two_tebibytes_and_more_do_not_overflow() {
        for size in [2 * TIB - 4096, 2 * TIB, 2 * TIB + 4096, 48 * TIB] {
            let g = fsdax(size, 0);
            let pages = size / 4096;
            assert_eq!(g.pages_from(DataOffset(0)), Some(pages));
            assert_eq!(sectors_of_pages(pages), Sectors(size / 512));
            assert_eq!(sectors_of_pages(pages), g.capacity());
            let last = Sector(size / 512 - 1);
            assert_eq!(g.phys(last.into()), PhysAddr(4 * GIB + size - 512));
            assert!(g.contains(last.into(), 512));
            assert!(!g.contains(last.into(), 513));
        }
    }

    #[test]
    fn recovery_goes_up_to_the_bad_page() {
        for (at, bad, pages, want) in [
            // The first page is bad.
            (0, 0, 8, 1),
            (0, 7, 8, 1),
            // The bad record begins before the pages.
            (16, 8, 8, 1),
            (16, 0, 8, 1),
            // Good pages first.
            (0, 8, 8, 1),
            (0, 15, 8, 1),
            (0, 16, 8, 2),
            (80, 80 + 56, 8, 7),
            // Never more than was asked for, never nothing.
            (0, 8000, 8, 8),
            (0, 8, 0, 1),
        ] {
            assert_eq!(recovery_stride(Sector(at), Sector(bad), pages), want);
        }
    }

    #[test]
    fn spans_are_rounded_up_to_pages() {
        for (offset, len, want) in [
            (0, 0, Some(0)),
            (0, 1, Some(4096)),
            (0, 4096, Some(4096)),
            (1, 4096, Some(8192)),
            (4095, 1, Some(4096)),
            (4095, 2, Some(8192)),
            (1, u64::MAX, None),
            (0, u64::MAX, None),
        ] {
            assert_eq!(page_span(offset, len), want);
        }
    }
}
