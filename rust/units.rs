// SPDX-License-Identifier: GPL-2.0

//! Positions and sizes in blocks and bytes, each with a type of its own.
//!
//! Nothing here depends on the kernel, so the tests run on the host, also those of other files that
//! are built on it.

/// The number of bits of the offset of a byte in its sector.
pub const SECTOR_SHIFT: u32 = 9;

/// The number of bytes of a sector.
pub const SECTOR_SIZE: u64 = 1 << SECTOR_SHIFT;

/// The number of bits of the offset of a byte in its page.
pub const PAGE_SHIFT: u32 = 12;

/// The number of bytes of a page.
pub const PAGE_SIZE: u64 = 1 << PAGE_SHIFT;

/// A position on a disk, in sectors of 512 bytes (`sector_t`).
///
/// # Examples
///
/// ```
/// use kernel_ext::units::{Sector, Sectors};
///
/// fn end(start: Sector, len: Sectors) -> Option<Sector> {
///     start.0.checked_add(len.0).map(Sector)
/// }
/// # let _ = end;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Sector(pub u64);

/// A number of sectors of 512 bytes.
///
/// # Examples
///
/// ```
/// use kernel_ext::units::Sectors;
///
/// assert_eq!(Sectors::in_bytes(1023), Sectors(1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Sectors(pub u64);

impl Sectors {
    /// The number of whole sectors in `bytes` bytes.
    #[inline]
    pub const fn in_bytes(bytes: u64) -> Self {
        Self(bytes >> SECTOR_SHIFT)
    }
}

/// A page of a file, counted from the start of the file (`pgoff_t`).
///
/// Sums and differences wrap around, as those of `pgoff_t` do in C, so that a page that no file has
/// is no panic. Where the kernel checks for overflows, with `+` and `-` `dax_iomap_rw()` is 17
/// instructions longer, and a call looks up each of its windows.
///
/// # Examples
///
/// ```
/// use kernel_ext::units::PageIndex;
///
/// let first = PageIndex::containing(8191);
/// assert_eq!(first, PageIndex(1));
/// assert_eq!(first.byte_offset(), 4096);
/// let last = first.plus(3);
/// assert_eq!(last.offset_from(first), 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub struct PageIndex(pub usize);

impl PageIndex {
    /// The first page of a file.
    pub const ZERO: Self = Self(0);

    /// More than any page that a file can have.
    pub const MAX: Self = Self(usize::MAX);

    /// The page that holds the byte at `offset` of the file.
    #[inline]
    pub const fn containing(offset: u64) -> Self {
        Self((offset >> PAGE_SHIFT) as usize)
    }

    /// The first page that begins at `offset` of the file, or behind it.
    ///
    /// For the size of a file this is the first page past its end.
    #[inline]
    pub const fn at_or_after(offset: u64) -> Self {
        Self(offset.div_ceil(PAGE_SIZE) as usize)
    }

    /// The offset of the first byte of the page, modulo 2^64: files end before that.
    #[inline]
    pub const fn byte_offset(self) -> u64 {
        (self.0 as u64) << PAGE_SHIFT
    }

    /// The page that is `pages` pages further towards the end of the file.
    #[inline]
    pub const fn plus(self, pages: usize) -> Self {
        Self(self.0.wrapping_add(pages))
    }

    /// The number of pages from `earlier` to this one: what [`PageIndex::plus`] was given.
    #[inline]
    pub const fn offset_from(self, earlier: Self) -> usize {
        self.0.wrapping_sub(earlier.0)
    }

    /// How many pages there are before this one in its group, if files are cut into groups of
    /// `2^order` pages.
    #[inline]
    pub const fn offset_in(self, order: u32) -> usize {
        self.0 & low_bits(order)
    }

    /// The first page of the group of `2^order` pages that this page is in.
    #[inline]
    pub const fn aligned_down(self, order: u32) -> Self {
        Self(self.0 & !low_bits(order))
    }
}

/// The number of a page frame: a physical address, in pages.
///
/// Sums and differences wrap around, for the same reason as those of [`PageIndex`].
///
/// # Examples
///
/// ```
/// use kernel_ext::units::Pfn;
///
/// let first = Pfn::from_phys(0x20_0000);
/// assert_eq!(first, Pfn::new(512));
/// assert!(first.is_aligned(9));
/// assert_eq!(first.plus(7).offset_from(first), 7);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Pfn(usize);

impl Pfn {
    /// The frame with the number `pfn`.
    #[inline]
    pub const fn new(pfn: usize) -> Self {
        Self(pfn)
    }

    /// The frame that holds the physical address `phys`.
    #[inline]
    pub const fn from_phys(phys: u64) -> Self {
        Self((phys >> PAGE_SHIFT) as usize)
    }

    /// The number of the frame.
    #[inline]
    pub const fn number(self) -> usize {
        self.0
    }

    /// The frame that is `frames` frames higher in memory.
    #[inline]
    pub const fn plus(self, frames: usize) -> Self {
        Self(self.0.wrapping_add(frames))
    }

    /// The number of frames from `earlier` to this one: what [`Pfn::plus`] was given.
    #[inline]
    pub const fn offset_from(self, earlier: Self) -> usize {
        self.0.wrapping_sub(earlier.0)
    }

    /// Whether memory of `2^order` pages, naturally aligned, can begin with the frame.
    #[inline]
    pub const fn is_aligned(self, order: u32) -> bool {
        self.0 & low_bits(order) == 0
    }
}

/// The `order` lowest bits of a number; all of them if it has fewer.
#[inline]
const fn low_bits(order: u32) -> usize {
    match 1usize.checked_shl(order) {
        Some(bit) => bit - 1,
        None => usize::MAX,
    }
}

/// A physical address, in bytes (`phys_addr_t`).
///
/// # Examples
///
/// ```
/// use kernel_ext::units::{Pfn, PhysAddr};
///
/// fn frame(address: PhysAddr) -> Pfn {
///     Pfn::from_phys(address.0)
/// }
/// # let _ = frame;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub struct PhysAddr(pub u64);

/// A range of physical addresses that is not empty.
///
/// # Examples
///
/// ```
/// use kernel_ext::units::{PhysAddr, PhysRange};
///
/// let all = PhysRange::new(PhysAddr(0x1000), PhysAddr(0x1fff));
/// assert_eq!(all.map(PhysRange::bytes), Some(4096));
/// let trimmed = all.and_then(|range| range.trimmed(16, 16));
/// assert_eq!(trimmed.map(PhysRange::bytes), Some(4064));
/// ```
///
/// # Invariants
///
/// `start <= last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhysRange {
    start: PhysAddr,
    last: PhysAddr,
}

impl PhysRange {
    /// The addresses from `start` up to and including `last`, or [`None`] if there are none.
    #[inline]
    pub const fn new(start: PhysAddr, last: PhysAddr) -> Option<Self> {
        // The range of all addresses has no length in 64 bits.
        if start.0 > last.0 || last.0 - start.0 == u64::MAX {
            return None;
        }
        // INVARIANT: Just checked.
        Some(Self { start, last })
    }

    /// The first address.
    #[inline]
    pub const fn start(self) -> PhysAddr {
        self.start
    }

    /// The last address.
    #[inline]
    pub const fn last(self) -> PhysAddr {
        self.last
    }

    /// The number of bytes.
    #[inline]
    pub const fn bytes(self) -> u64 {
        self.last.0 - self.start.0 + 1
    }

    /// The range without its first `head` and its last `tail` bytes, or [`None`] if nothing is
    /// left.
    #[inline]
    pub const fn trimmed(self, head: u64, tail: u64) -> Option<Self> {
        match (
            self.start.0.checked_add(head),
            self.last.0.checked_sub(tail),
        ) {
            (Some(start), Some(last)) => Self::new(PhysAddr(start), PhysAddr(last)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_bytes() {
        // offset, page that holds it, first page from it on
        for (offset, holds, after) in [
            (0, 0, 0),
            (1, 0, 1),
            (PAGE_SIZE - 1, 0, 1),
            (PAGE_SIZE, 1, 1),
            (5 * PAGE_SIZE + 7, 5, 6),
        ] {
            assert_eq!(PageIndex::containing(offset), PageIndex(holds));
            assert_eq!(PageIndex::at_or_after(offset), PageIndex(after));
        }
        assert_eq!(PageIndex(3).byte_offset(), 3 * PAGE_SIZE);
        // The last page of the largest file, and more than there is in any.
        let last = PageIndex::containing(i64::MAX as u64);
        assert_eq!(last.byte_offset(), (1 << 63) - PAGE_SIZE);
        assert_eq!(PageIndex::at_or_after(i64::MAX as u64), last.plus(1));
        assert_eq!(PageIndex::MAX.byte_offset(), PAGE_SIZE.wrapping_neg());
    }

    #[test]
    fn offset_from_undoes_plus() {
        for start in [0, 1, 511, 512, usize::MAX - 1, usize::MAX] {
            for n in [0, 1, 511, 512, usize::MAX] {
                assert_eq!(PageIndex(start).plus(n).offset_from(PageIndex(start)), n);
                assert_eq!(Pfn::new(start).plus(n).offset_from(Pfn::new(start)), n);
            }
        }
    }

    #[test]
    fn groups_of_pages() {
        for (index, order, offset) in [
            (0, 0, 0),
            (513, 0, 0),
            (513, 9, 1),
            (1023, 9, 511),
            (1024, 9, 0),
            (7, usize::BITS, 7),
            (7, u32::MAX, 7),
        ] {
            let page = PageIndex(index);
            assert_eq!(page.offset_in(order), offset);
            assert_eq!(page.aligned_down(order).plus(offset), page);
            assert_eq!(Pfn::new(index).is_aligned(order), offset == 0);
        }
    }

    #[test]
    fn ranges_of_addresses() {
        let range = |start, last| PhysRange::new(PhysAddr(start), PhysAddr(last));
        assert_eq!(range(1, 0), None);
        assert_eq!(range(0, u64::MAX), None);
        assert_eq!(range(5, 5).map(PhysRange::bytes), Some(1));
        assert_eq!(range(1, u64::MAX).map(PhysRange::bytes), Some(u64::MAX));
        let all = range(10, 19).unwrap();
        assert_eq!(all.trimmed(2, 3), range(12, 16));
        assert_eq!(all.trimmed(4, 6), None);
        assert_eq!(all.trimmed(u64::MAX, 0), None);
        assert_eq!(all.trimmed(0, 20), None);
    }
}
