// SPDX-License-Identifier: GPL-2.0

//! Numbers of pages.

use kernel::ffi::c_long;

/// A number of pages, as `dax_direct_access()` counts them.
///
/// # Invariants
///
/// The number is not negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PageCount(c_long);

impl PageCount {
    /// No page.
    pub(crate) const ZERO: Self = Self(0);
    /// One page.
    pub(crate) const ONE: Self = Self(1);

    /// `pages` as a number of pages, or `None` if it is negative.
    #[inline]
    pub(crate) fn new(pages: c_long) -> Option<Self> {
        // INVARIANT: Checked here.
        (pages >= 0).then_some(Self(pages))
    }

    /// The number.
    #[inline]
    pub(crate) fn get(self) -> c_long {
        self.0
    }
}
