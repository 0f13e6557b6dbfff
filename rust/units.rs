// SPDX-License-Identifier: GPL-2.0

//! Positions and sizes in blocks and bytes, each with a type of its own.
//!
//! Nothing here depends on the kernel, so the tests of what is built on it also run on the host.

/// The number of bits of the offset of a byte in its sector.
pub const SECTOR_SHIFT: u32 = 9;

/// The number of bytes of a sector.
pub const SECTOR_SIZE: u64 = 1 << SECTOR_SHIFT;

/// The number of bits of the offset of a byte in its page.
pub const PAGE_SHIFT: u32 = 12;

/// The number of bytes of a page.
pub const PAGE_SIZE: u64 = 1 << PAGE_SHIFT;

/// A position on a disk, in sectors of 512 bytes (`sector_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Sector(pub u64);

/// A number of sectors of 512 bytes.
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

    /// The offset of the first byte of the page, or [`None`] if no file can be that long.
    #[inline]
    pub const fn byte_offset(self) -> Option<u64> {
        let offset = (self.0 as u64) << PAGE_SHIFT;
        if offset >> PAGE_SHIFT == self.0 as u64 {
            Some(offset)
        } else {
            None
        }
    }
}

/// The number of a page frame: a physical address, in pages.
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
}

/// A physical address, in bytes (`phys_addr_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub struct PhysAddr(pub u64);

/// A range of physical addresses that is not empty.
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
