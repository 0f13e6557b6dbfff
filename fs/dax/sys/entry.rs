// SPDX-License-Identifier: GPL-2.0

//! Entries: what a file with DAX has in its `i_pages`.
//!
//! An entry says which memory a page of the file is, or 512 pages that begin at a multiple of 512.
//! It is a number, which the trace events print:
//!
//! ```text
//!  62                            14  13   12   11  10      1   0
//! | number of the page frame      |EMPTY|ZERO|PMD|    0    |LOCKED|
//! ```
//!
//! The bits 1 to 10 are 0 because cachestat(2) of C takes an entry for the shadow entry of a page that
//! was evicted. It follows the pointer to the memory node that these bits name there. A number that no
//! node has crashes the kernel; 0 is the first node. The bits above name a memory cgroup, which C looks
//! up, and a time.
//!
//! [`Entry`] has no lock bit: that is between [`Guard`](super::guard::Guard) and the array.
//!
//! Safe code cannot make an entry of a number. It makes one of [`Storage`] or [`Zeros`], or finds
//! it in the array.
//!
//! This file does not depend on the kernel, so the tests also run on the host.

#[cfg(test)]
#[path = "../../../rust/units.rs"]
mod units;
#[cfg(test)]
#[path = "../../../rust/xarray.rs"]
mod xarray;

#[cfg(not(test))]
use kernel_ext::{
    units,
    xarray, //
};

use core::marker::PhantomData;
use units::{
    PageIndex,
    Pfn,
    PAGE_SIZE, //
};
use xarray::Value;

/// How many bits above [`LOCKED`] are 0: as many as the number of a memory node has at most.
pub(crate) const NODE_BITS: u32 = 10;

const LOCKED: usize = 1 << 0;
const PMD: usize = 1 << (NODE_BITS + 1);
const ZERO: usize = 1 << (NODE_BITS + 2);
const EMPTY: usize = 1 << (NODE_BITS + 3);
const PFN_SHIFT: u32 = NODE_BITS + 4;

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

/// Device memory, of which an entry can be made: the answer of a device to `direct_access()`.
///
/// # Invariants
///
/// The `order.pages()` frames from `pfn` on, a multiple of their number, are memory of the type
/// `MEMORY_DEVICE_FS_DAX`. Their `struct page`s, and their mapping in the kernel, stay for `'a`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storage<'a> {
    pfn: Pfn,
    order: Order,
    _kept: PhantomData<&'a ()>,
}

impl Storage<'_> {
    /// The memory of `order` from frame `pfn` on.
    ///
    /// # Safety
    ///
    /// The frames must be memory of the type `MEMORY_DEVICE_FS_DAX` that is not removed for the
    /// lifetime of the result, and the number of the first a multiple of `order.pages()`.
    #[inline]
    pub(crate) const unsafe fn new(pfn: Pfn, order: Order) -> Self {
        // INVARIANT: The caller knows this of the frames.
        Self {
            pfn,
            order,
            _kept: PhantomData,
        }
    }

    /// The first frame.
    #[inline]
    pub(crate) const fn pfn(self) -> Pfn {
        self.pfn
    }

    /// How many pages it has.
    #[inline]
    pub(crate) const fn order(self) -> Order {
        self.order
    }
}

/// The page, or huge folio, of zeros that all holes read as.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zeros {
    pfn: Pfn,
    order: Order,
}

impl Zeros {
    /// The zeros of `order` from frame `pfn` on.
    ///
    /// # Safety
    ///
    /// The frame must be that of the zero page, or the first of the huge zero folio, as `order`
    /// says.
    #[inline]
    pub(crate) const unsafe fn new(pfn: Pfn, order: Order) -> Self {
        Self { pfn, order }
    }
}

/// The memory of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// None yet: a placeholder, which is there to be locked.
    Empty,
    /// A hole, which reads as the page or huge folio of zeros from this frame on.
    Zero(Pfn),
    /// Storage, from this page frame on.
    Mapped(Pfn),
}

/// An entry.
///
/// The memory of an entry may have been removed since the entry was made.
/// [`Memory`](crate::memory::Memory) finds out whether it is there, and keeps it.
///
/// # Invariants
///
/// The bit [`LOCKED`] is clear. An entry of the kind [`Kind::Mapped`] was made of [`Storage`], one
/// of the kind [`Kind::Zero`] of [`Zeros`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Entry(Value);

impl Entry {
    /// An entry of `order` whose memory is `kind`.
    #[inline]
    const fn new(order: Order, kind: Kind) -> Self {
        let size = match order {
            Order::Pte => 0,
            Order::Pmd => PMD,
        };
        // INVARIANT: No arm sets `LOCKED`; the callers have the memory of what they name.
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

    /// A hole.
    #[inline]
    pub(crate) const fn zeros(zeros: Zeros) -> Self {
        Self::new(zeros.order, Kind::Zero(zeros.pfn))
    }

    /// The entry of storage.
    #[inline]
    pub(crate) const fn mapped(storage: Storage<'_>) -> Self {
        Self::new(storage.order, Kind::Mapped(storage.pfn))
    }

    /// The entry that an array has as `value`, and whether it is locked.
    ///
    /// # Safety
    ///
    /// `value` must be from the `i_pages` of a file with DAX, or what [`Entry::locked`] or
    /// [`Entry::unlocked`] returned.
    #[inline]
    pub(crate) const unsafe fn decode(value: Value) -> (Self, bool) {
        let n = value.get();
        // INVARIANT: The bit has just been cleared. Only entries get into such an array, and the
        // caller has it from there.
        (Self(Value::new(n & !LOCKED)), n & LOCKED != 0)
    }

    /// The entry that C keeps as `raw`; [`None`] if `raw` is no number that an array would have.
    ///
    /// # Safety
    ///
    /// If `raw` is the number of an entry, it must be what [`Entry::raw`] returned.
    #[inline]
    pub(crate) unsafe fn from_raw(raw: usize) -> Option<Self> {
        // SAFETY: The caller has it from `raw()`, which is the value that `unlocked()` returns.
        Value::from_bits(raw).map(|value| unsafe { Self::decode(value) }.0)
    }

    /// The value that the array has for the entry while it is unlocked.
    #[inline]
    pub(crate) const fn unlocked(self) -> Value {
        self.0
    }

    /// The value that the array has for the entry while it is locked.
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

    /// The memory of the entry.
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

    /// Whether the memory of the two entries, each of one page, is storage, and that of this one
    /// the `i`th page after that of `first`.
    #[inline]
    pub(crate) fn follows(self, first: Self, i: usize) -> bool {
        match (self.order(), self.mapped_pfn(), first.mapped_pfn()) {
            (Order::Pte, Some(pfn), Some(first)) => pfn == first.plus(i),
            _ => false,
        }
    }

    /// The number that C has for the entry, in trace events and cookies: never 0, never `!0`.
    #[inline]
    pub(crate) const fn raw(self) -> usize {
        self.0.bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(value: Value) -> (Entry, bool) {
        // SAFETY: The tests do not use the memory of entries.
        unsafe { Entry::decode(value) }
    }

    const ORDERS: [Order; 2] = [Order::Pte, Order::Pmd];

    fn mapped(order: Order, pfn: usize) -> Entry {
        // SAFETY: The tests do not use the memory.
        Entry::mapped(unsafe { Storage::new(Pfn::new(pfn), order) })
    }

    fn zeros(order: Order, pfn: usize) -> Entry {
        // SAFETY: The tests do not use the memory.
        Entry::zeros(unsafe { Zeros::new(Pfn::new(pfn), order) })
    }

    /// An address has at most 52 bits, 12 of them within a page.
    const PFN_BITS: u32 = 40;

    /// Every single bit that a frame number can have, and some numbers between.
    fn pfns() -> impl Iterator<Item = Pfn> {
        (0..PFN_BITS)
            .flat_map(|bit| [1 << bit, (1 << bit) - 1, (1 << bit) + 1])
            .filter(|n| *n < 1 << PFN_BITS)
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
                assert_eq!(decode(entry.unlocked()), (entry, false));
                assert_eq!(decode(entry.locked()), (entry, true));
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

    /// What cachestat(2) takes for the number of a memory node (`unpack_shadow()`) is that of the
    /// first one, however many bits of it the kernel's configuration has.
    #[test]
    fn names_the_first_node() {
        for entry in ORDERS
            .iter()
            .flat_map(|order| kinds().map(|kind| Entry::new(*order, kind)))
        {
            for value in [entry.unlocked(), entry.locked()] {
                assert_eq!(value.get() >> 1 & ((1 << NODE_BITS) - 1), 0, "{entry:?}");
            }
        }
    }

    /// The numbers that tools find in the trace events.
    #[test]
    fn encoding() {
        let table = [
            (Entry::empty(Order::Pte), 0x4001),
            (Entry::empty(Order::Pmd), 0x5001),
            (zeros(Order::Pte, 0x1234), 0x91a_2001),
            (zeros(Order::Pmd, 0x1200), 0x900_3001),
            (mapped(Order::Pte, 0x14_0000), 0xa_0000_0001),
            (mapped(Order::Pmd, 0x14_0000), 0xa_0000_1001),
            (mapped(Order::Pte, 0), 0x1),
        ];
        for (entry, raw) in table {
            assert_eq!(entry.raw(), raw, "{entry:?}");
            assert_eq!(Value::from_bits(raw).map(decode), Some((entry, false)));
        }
    }

    /// Every number in the array can be decoded, and locked and unlocked without a loss.
    #[test]
    fn all_numbers_decode() {
        for flags in 0..16 {
            let low = (flags & LOCKED) | flags >> 1 << (NODE_BITS + 1);
            for pfn in pfns() {
                let n = pfn.number() << PFN_SHIFT | low;
                let (entry, locked) = decode(Value::new(n));
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
    fn neighbours_in_memory() {
        let first = mapped(Order::Pte, 7);
        assert!(first.follows(first, 0));
        assert!(mapped(Order::Pte, 10).follows(first, 3));
        assert!(!mapped(Order::Pte, 10).follows(first, 2));
        assert!(!mapped(Order::Pmd, 512).follows(mapped(Order::Pte, 511), 1));
        assert!(!zeros(Order::Pte, 8).follows(first, 1));
        assert!(!Entry::empty(Order::Pte).follows(Entry::empty(Order::Pte), 0));
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
