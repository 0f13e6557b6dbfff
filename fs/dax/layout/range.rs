// SPDX-License-Identifier: GPL-2.0

//! Ranges of a file: in bytes, as filesystems give them, and in pages, as entries are counted.
//!
//! This file does not depend on the kernel, so the tests also run on the host.

#[cfg(test)]
#[path = "../../../rust/units.rs"]
mod units;

#[cfg(not(test))]
use kernel_ext::units;

use units::{
    PageIndex,
    PAGE_SHIFT, //
};

/// Pages of a file that follow each other, at least one.
///
/// # Invariants
///
/// `first <= last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageRange {
    first: PageIndex,
    last: PageIndex,
}

impl PageRange {
    /// All pages that a file can have.
    pub(crate) const ALL: Self = Self {
        first: PageIndex::ZERO,
        last: PageIndex::MAX,
    };

    /// The pages that hold the bytes from `start` up to and including `end`, also those that hold
    /// other bytes too; [`None`] if there are no such bytes.
    ///
    /// For filesystems both `i64::MAX` and `-1` mean the end of the file, wherever it is.
    #[inline]
    pub(crate) const fn of_bytes(start: i64, end: i64) -> Option<Self> {
        if start < 0 {
            return None;
        }
        let first = PageIndex((start >> PAGE_SHIFT) as usize);
        let last = if end < 0 || end == i64::MAX {
            PageIndex::MAX
        } else {
            PageIndex((end >> PAGE_SHIFT) as usize)
        };
        if first.0 > last.0 {
            return None;
        }
        // INVARIANT: `first <= last` was checked above.
        Some(Self { first, last })
    }

    /// The first page.
    #[inline]
    pub(crate) const fn first(self) -> PageIndex {
        self.first
    }

    /// The last page.
    #[inline]
    pub(crate) const fn last(self) -> PageIndex {
        self.last
    }

    /// Whether the range has all of the `pages` pages from `first` on.
    #[inline]
    pub(crate) const fn covers(self, first: PageIndex, pages: usize) -> bool {
        first.0 >= self.first.0
            && first.0 <= self.last.0
            && pages - 1 <= self.last.offset_from(first)
    }

    /// The number of pages, as `unmap_mapping_pages()` takes it: all pages that a file can have are
    /// one more than fits, for which 0 wraps around to the last page again.
    #[inline]
    pub(crate) const fn pages_or_all(self) -> usize {
        self.last.offset_from(self.first).wrapping_add(1)
    }
}

#[cfg(any(test, CONFIG_KUNIT))]
#[cfg_attr(not(test), kernel::macros::kunit_tests(rust_fs_dax_range))]
mod tests {
    use super::*;

    const PAGE: i64 = 1 << PAGE_SHIFT;

    #[test]
    fn bytes_are_in_the_pages_that_hold_them() {
        // start, end, first page, last page
        const CASES: [(i64, i64, usize, usize); 10] = [
            (0, 0, 0, 0),
            (0, PAGE - 1, 0, 0),
            (0, PAGE, 0, 1),
            (PAGE - 1, PAGE, 0, 1),
            (PAGE, 2 * PAGE - 1, 1, 1),
            (5 * PAGE + 7, 5 * PAGE + 7, 5, 5),
            // The last byte before the one that means the end of the file.
            (0, i64::MAX - 1, 0, (i64::MAX >> PAGE_SHIFT) as usize),
            (0, i64::MAX, 0, usize::MAX),
            (0, -1, 0, usize::MAX),
            (3 * PAGE, -1, 3, usize::MAX),
        ];
        for (start, end, first, last) in CASES {
            let range = PageRange::of_bytes(start, end);
            assert_eq!(range.map(|r| r.first().0), Some(first));
            assert_eq!(range.map(|r| r.last().0), Some(last));
        }
    }

    #[test]
    fn a_range_without_bytes_has_no_pages() {
        assert_eq!(PageRange::of_bytes(PAGE, 0), None);
        assert_eq!(PageRange::of_bytes(-1, 0), None);
        assert_eq!(PageRange::of_bytes(-PAGE, -1), None);
    }

    #[test]
    fn covers_what_is_inside() {
        let range = PageRange {
            first: PageIndex(512),
            last: PageIndex(1023),
        };
        for (first, pages, inside) in [
            (512, 512, true),
            (512, 1, true),
            (1023, 1, true),
            (512, 513, false),
            (1023, 2, false),
            (511, 2, false),
            (1024, 1, false),
            (0, 2048, false),
        ] {
            assert_eq!(range.covers(PageIndex(first), pages), inside);
        }
        assert!(PageRange::ALL.covers(PageIndex::MAX, 1));
        assert!(PageRange::ALL.covers(PageIndex::ZERO, usize::MAX));
    }

    #[test]
    fn counts_what_unmapping_takes() {
        // unmap_mapping_pages() adds the number to the first page and takes one away.
        for (start, end) in [(0, 0), (PAGE, 9 * PAGE), (0, -1), (PAGE, -1), (0, i64::MAX)] {
            let range = PageRange::of_bytes(start, end).unwrap_or(PageRange::ALL);
            let last = range.first().0.wrapping_add(range.pages_or_all());
            assert_eq!(last.wrapping_sub(1), range.last().0);
        }
        assert_eq!(PageRange::of_bytes(0, -1), Some(PageRange::ALL));
    }
}
