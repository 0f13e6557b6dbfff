// SPDX-License-Identifier: GPL-2.0

//! Whether a huge page fits where a fault is.
//!
//! This file does not depend on the kernel, so the tests also run on the host.

#[cfg(test)]
#[path = "../../../rust/units.rs"]
mod units;

#[cfg(not(test))]
use kernel_ext::units;

use core::ops::Range;
use units::{
    PageIndex,
    PAGE_SHIFT, //
};

/// A place for a huge page: where the fault is in memory, and where in the file.
#[derive(Clone)]
pub(crate) struct Place {
    /// The address of the fault.
    pub(crate) address: usize,
    /// The addresses that map the file without a gap.
    pub(crate) area: Range<usize>,
    /// The page of the file that is at the address.
    pub(crate) index: PageIndex,
    /// The first page that the file does not have.
    pub(crate) end: PageIndex,
}

impl Place {
    /// Whether a huge page of 2^`order` pages can be mapped around the address.
    ///
    /// - Page tables and entries of the file have huge pages only where addresses, and indices, are
    ///   multiples of their size, so those must agree in the bits below that.
    /// - All of the huge page must be inside of the area, and inside of the file.
    pub(crate) fn has_room(&self, order: u32) -> bool {
        let pages = 1 << order;
        let offset = self.index.offset_in(order);
        let start = self.address & !((pages << PAGE_SHIFT) - 1);

        offset == (self.address >> PAGE_SHIFT) % pages
            && self.area.start <= start
            && (self.area.end - start) >> PAGE_SHIFT >= pages
            && self.end.0.saturating_sub(self.index.0 - offset) >= pages
    }
}

#[cfg_attr(not(test), kernel::macros::kunit_tests(rust_fs_dax_fit))]
mod tests {
    use super::*;

    const ORDER: u32 = 9;
    const HUGE: usize = 2 << 20;
    const PAGE: usize = 4096;

    /// 8 MiB of a file of the same size, at 16 MiB.
    fn file() -> Place {
        Place {
            address: 8 * HUGE,
            area: 8 * HUGE..12 * HUGE,
            index: PageIndex(0),
            end: PageIndex(4 * 512),
        }
    }

    /// The place of the page `n` of the mapping.
    fn page(place: Place, n: usize) -> Place {
        Place {
            address: place.area.start + n * PAGE,
            index: PageIndex(place.index.0 + n),
            ..place
        }
    }

    #[test]
    fn everywhere_in_an_aligned_mapping() {
        for n in [0, 1, 511, 512, 1000, 2047] {
            assert!(page(file(), n).has_room(ORDER));
        }
    }

    #[test]
    fn colour() {
        for (first, good) in [
            (0, true),
            (512, true),
            (1024, true),
            (1, false),
            (511, false),
        ] {
            let place = Place {
                index: PageIndex(first),
                end: PageIndex(4096),
                ..file()
            };
            for n in [0, 5, 600] {
                assert_eq!(page(place.clone(), n).has_room(ORDER), good);
            }
        }
    }

    #[test]
    fn bounds_of_the_area() {
        let inside = |area: Range<usize>, n: usize| {
            let place = page(file(), n);
            Place { area, ..place }.has_room(ORDER)
        };
        // The area begins, or ends, inside of the huge page.
        assert!(inside(8 * HUGE..9 * HUGE, 17));
        assert!(!inside(8 * HUGE + PAGE..9 * HUGE, 17));
        assert!(!inside(8 * HUGE..9 * HUGE - PAGE, 17));
        assert!(!inside(8 * HUGE + 17 * PAGE..8 * HUGE + 18 * PAGE, 17));
        // The huge page behind it is not affected.
        assert!(inside(8 * HUGE + PAGE..10 * HUGE, 512));
        assert!(!inside(8 * HUGE..10 * HUGE - PAGE, 512));
    }

    #[test]
    fn end_of_the_file() {
        for (end, n, good) in [
            (512, 0, true),
            (512, 511, true),
            (511, 0, false),
            (511, 510, false),
            (1, 0, false),
            // The huge page begins inside of the file, the access is behind its end.
            (1, 511, false),
            (511, 511, false),
            (513, 1023, false),
            (0, 0, false),
            (513, 0, true),
            (513, 512, false),
            (1023, 600, false),
            (1024, 600, true),
        ] {
            let place = Place {
                end: PageIndex(end),
                ..file()
            };
            assert_eq!(page(place, n).has_room(ORDER), good);
        }
    }

    #[test]
    fn end_of_the_address_space() {
        let area = usize::MAX - 2 * HUGE + 1..usize::MAX;
        let place = Place { area, ..file() };
        assert!(page(place.clone(), 0).has_room(ORDER));
        assert!(!page(place, 512).has_room(ORDER));
    }
}
