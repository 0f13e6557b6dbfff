// SPDX-License-Identifier: GPL-2.0

//! What the pages of a DAX file are in its `i_pages`.
//!
//! An entry says which memory a page, or 512 pages that begin at a multiple of 512, of the file are.
//! It is a number, as tools that read the trace events know it:
//!
//! ```text
//!  62                                  4   3    2    1     0
//! | number of the page frame            |EMPTY|ZERO|PMD|LOCKED|
//! ```
//!
//! [`Entry`] has no lock bit: that is between [`slot`](crate::slot) and the array.
//!
//! Nothing here depends on the kernel, so the tests also run on the host.

#[cfg(test)]
#[path = "../../rust/units.rs"]
mod units;
#[cfg(test)]
#[path = "../../rust/xarray/value.rs"]
mod xarray;

#[cfg(not(test))]
use kernel_ext::{
    units,
    xarray, //
};

use units::{
    PageIndex,
    Pfn,
    PAGE_SIZE, //
};
use xarray::Value;

const LOCKED: usize = 1 << 0;
const PMD: usize = 1 << 1;
const ZERO: usize = 1 << 2;
const EMPTY: usize = 1 << 3;
const PFN_SHIFT: u32 = 4;

/// How many pages an entry covers.
///
/// A PMD entry is greater than a PTE entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// One page, mapped by an entry of the lowest page table.
    Pte,
    /// 512 pages (2 MiB), mapped by an entry of the middle page table.
    Pmd,
}

impl Order {
    /// The binary logarithm of the number of pages.
    #[inline]
    pub(crate) const fn log2(self) -> u32 {
        match self {
            Self::Pte => 0,
            Self::Pmd => 9,
        }
    }

    /// The number of pages.
    #[inline]
    pub(crate) const fn pages(self) -> usize {
        1 << self.log2()
    }

    /// The number of bytes.
    #[inline]
    pub(crate) const fn bytes(self) -> u64 {
        PAGE_SIZE << self.log2()
    }

    /// The first page of an entry that covers `index`.
    #[inline]
    pub(crate) const fn start(self, index: PageIndex) -> PageIndex {
        index.aligned_down(self.log2())
    }
}

/// What the memory of an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Not known yet: the entry is there to be locked.
    Empty,
    /// A hole, read as the (huge) zero page that is in this frame.
    Zero(Pfn),
    /// Storage, from this page frame on.
    Mapped(Pfn),
}

/// An entry.
///
/// # Invariants
///
/// The bit [`LOCKED`] is clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Entry(Value);

impl Entry {
    /// An entry of `order` whose memory is `kind`.
    #[inline]
    pub(crate) const fn new(order: Order, kind: Kind) -> Self {
        let size = match order {
            Order::Pte => 0,
            Order::Pmd => PMD,
        };
        // INVARIANT: None of these sets the bit.
        Self(Value::new(match kind {
            Kind::Empty => size | EMPTY,
            Kind::Zero(pfn) => size | ZERO | pfn.number() << PFN_SHIFT,
            Kind::Mapped(pfn) => size | pfn.number() << PFN_SHIFT,
        }))
    }

    /// A placeholder.
    #[inline]
    pub(crate) const fn empty(order: Order) -> Self {
        Self::new(order, Kind::Empty)
    }

    /// A hole that reads as the zero page in frame `pfn`.
    #[inline]
    pub(crate) const fn zero(order: Order, pfn: Pfn) -> Self {
        Self::new(order, Kind::Zero(pfn))
    }

    /// The storage from frame `pfn` on.
    #[inline]
    pub(crate) const fn mapped(order: Order, pfn: Pfn) -> Self {
        Self::new(order, Kind::Mapped(pfn))
    }

    /// The entry that the array has as `value`, and whether it is locked.
    #[inline]
    pub(crate) const fn decode(value: Value) -> (Self, bool) {
        let n = value.get();
        // INVARIANT: The bit has just been cleared.
        (Self(Value::new(n & !LOCKED)), n & LOCKED != 0)
    }

    /// The entry that C knows as `raw`, if that is one.
    #[inline]
    pub(crate) fn from_raw(raw: usize) -> Option<Self> {
        Value::from_bits(raw).map(|value| Self::decode(value).0)
    }

    /// What the array has for the entry while it is unlocked.
    #[inline]
    pub(crate) const fn unlocked(self) -> Value {
        self.0
    }

    /// What the array has for the entry while it is locked.
    #[inline]
    pub(crate) const fn locked(self) -> Value {
        Value::new(self.0.get() | LOCKED)
    }

    /// How many pages the entry covers.
    #[inline]
    pub(crate) const fn order(self) -> Order {
        if self.0.get() & PMD != 0 {
            Order::Pmd
        } else {
            Order::Pte
        }
    }

    /// What the memory is.
    #[inline]
    pub(crate) const fn kind(self) -> Kind {
        let n = self.0.get();
        let pfn = Pfn::new(n >> PFN_SHIFT);
        if n & ZERO != 0 {
            Kind::Zero(pfn)
        } else if n & EMPTY != 0 {
            Kind::Empty
        } else {
            Kind::Mapped(pfn)
        }
    }

    /// The first page frame, if the entry is storage.
    #[inline]
    pub(crate) const fn mapped_pfn(self) -> Option<Pfn> {
        match self.kind() {
            Kind::Mapped(pfn) => Some(pfn),
            Kind::Zero(_) | Kind::Empty => None,
        }
    }

    /// Whether the entry is storage, and no hole or placeholder.
    #[inline]
    pub(crate) const fn is_mapped(self) -> bool {
        self.0.get() & (ZERO | EMPTY) == 0
    }

    /// The number that C has for the entry, for trace events and cookies: never 0, never `!0`.
    #[inline]
    pub(crate) const fn raw(self) -> usize {
        self.0.bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: [Order; 2] = [Order::Pte, Order::Pmd];

    /// Every single bit that a frame number can have, and some numbers between.
    fn pfns() -> impl Iterator<Item = Pfn> {
        (0..59)
            .flat_map(|bit| [1 << bit, (1 << bit) - 1, (1 << bit) + 1])
            .filter(|n| *n < 1 << 59)
            .map(Pfn::new)
    }

    fn kinds() -> impl Iterator<Item = Kind> {
        pfns()
            .flat_map(|pfn| [Kind::Zero(pfn), Kind::Mapped(pfn)])
            .chain([Kind::Empty])
    }

    #[test]
    fn what_goes_in_comes_out() {
        for order in ORDERS {
            for kind in kinds() {
                let entry = Entry::new(order, kind);
                assert_eq!((entry.order(), entry.kind()), (order, kind));
                assert_eq!(entry.is_mapped(), matches!(kind, Kind::Mapped(_)));
                assert_eq!(
                    entry.mapped_pfn().map(Kind::Mapped),
                    entry.is_mapped().then_some(kind)
                );
            }
        }
    }

    #[test]
    fn locked_and_unlocked() {
        for order in ORDERS {
            for kind in kinds() {
                let entry = Entry::new(order, kind);
                assert_eq!(Entry::decode(entry.unlocked()), (entry, false));
                assert_eq!(Entry::decode(entry.locked()), (entry, true));
                assert_eq!(entry.locked().bits(), entry.unlocked().bits() | 2);
            }
        }
    }

    #[test]
    fn entries_differ() {
        let all: Vec<_> = ORDERS
            .iter()
            .flat_map(|order| kinds().map(|kind| Entry::new(*order, kind)))
            .collect();
        let mut numbers: Vec<_> = all.iter().map(|entry| entry.raw()).collect();
        let mut distinct = pfns().map(Pfn::number).collect::<Vec<_>>();
        distinct.sort_unstable();
        distinct.dedup();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 2 * (2 * distinct.len() + 1));
    }

    /// The numbers that tools find in the trace events.
    #[test]
    fn encoding_of_c() {
        let table = [
            (Entry::empty(Order::Pte), 0x11),
            (Entry::empty(Order::Pmd), 0x15),
            (Entry::zero(Order::Pte, Pfn::new(0x1234)), 0x24689),
            (Entry::zero(Order::Pmd, Pfn::new(0x1200)), 0x2400d),
            (Entry::mapped(Order::Pte, Pfn::new(0x14_0000)), 0x280_0001),
            (Entry::mapped(Order::Pmd, Pfn::new(0x14_0000)), 0x280_0005),
            (Entry::mapped(Order::Pte, Pfn::new(0)), 0x1),
        ];
        for (entry, raw) in table {
            assert_eq!(entry.raw(), raw, "{entry:?}");
            assert_eq!(
                Value::from_bits(raw).map(Entry::decode),
                Some((entry, false))
            );
        }
    }

    /// Whatever is in the array can be looked at, and locked and unlocked without a loss.
    #[test]
    fn all_numbers_decode() {
        for low in 0..16 {
            for pfn in pfns() {
                let n = pfn.number() << PFN_SHIFT | low;
                let (entry, locked) = Entry::decode(Value::new(n));
                assert_eq!(locked, n & LOCKED != 0);
                let back = if locked {
                    entry.locked()
                } else {
                    entry.unlocked()
                };
                assert_eq!(back, Value::new(n));
                let _ = (entry.order(), entry.kind());
            }
        }
    }

    #[test]
    fn values_are_not_pointers() {
        for bits in [0, 2, 4, 6, 256 << 2 | 2] {
            assert_eq!(Value::from_bits(bits), None);
        }
        for n in [0, 1, 5, usize::MAX >> 1] {
            assert_eq!(Value::new(n).get(), n);
            assert_eq!(Value::from_bits(Value::new(n).bits()), Some(Value::new(n)));
        }
    }

    #[test]
    fn ranges_of_orders() {
        assert_eq!((Order::Pte.pages(), Order::Pte.bytes()), (1, 4096));
        assert_eq!((Order::Pmd.pages(), Order::Pmd.bytes()), (512, 2 << 20));
        assert!(Order::Pte < Order::Pmd);
        for index in [0, 1, 511, 512, 513, 1023, 1 << 40, usize::MAX] {
            let index = PageIndex(index);
            assert_eq!(Order::Pte.start(index), index);
            assert_eq!(Order::Pmd.start(index).0, index.0 / 512 * 512);
        }
        assert_eq!(PageIndex::containing(8191).byte_offset(), 4096);
    }
}
