// SPDX-License-Identifier: GPL-2.0

//! Making many pages one folio, and taking it apart again.

use super::DeviceFolio;
use kernel_ext::{
    bindings,
    warn_on_once, //
};

impl DeviceFolio {
    /// Makes 2^`order` frames, of which this is the first, one folio (`prep_compound_page()`).
    ///
    /// # Safety
    ///
    /// All of the frames must be memory of the type `MEMORY_DEVICE_FS_DAX` that is there as long as
    /// the reference. No entry may have one of them, and none may get one meanwhile.
    #[inline]
    pub(super) unsafe fn join(&self, order: u32) {
        warn_on_once!(self.order() != 0);
        if order != 0 {
            // SAFETY: As the caller of this function knows of the frames.
            unsafe { self.join_pages(order) };
        }
    }

    /// # Safety
    ///
    /// As for [`DeviceFolio::join`].
    unsafe fn join_pages(&self, order: u32) {
        let folio = self.as_raw();
        // SAFETY:
        // - The `struct page`s of all frames are there, as the caller ensures.
        // - No entry has one of the pages, so that no other task does anything to them.
        unsafe { bindings::prep_compound_page(self.first_page(), order) };
        if order > 1 {
            // SAFETY: The list is in the third page, which a folio of this order has.
            unsafe {
                bindings::INIT_LIST_HEAD(
                    &raw mut (*folio).__bindgen_anon_3.__bindgen_anon_1._deferred_list,
                );
            }
        }
        warn_on_once!(self.references() != 0);
    }

    /// Makes every page a folio without an owner, and returns the order that the folio had.
    ///
    /// # Safety
    ///
    /// No entry may have the folio, and none may get it meanwhile.
    pub(crate) unsafe fn take_apart(&self) -> u32 {
        let order = self.order();
        let folio = self.as_raw();
        // SAFETY: The structure is valid, by the type invariants.
        let pgmap = unsafe {
            (*folio)
                .__bindgen_anon_1
                .__bindgen_anon_1
                .__bindgen_anon_1
                .pgmap
        };
        if order != 0 {
            // SAFETY:
            // - The folio has more than one page, which is what both functions are for.
            // - No entry has it, so that no other task does anything to it.
            unsafe {
                bindings::folio_reset_order(folio);
                bindings::folio_clear_head(folio);
            }
        }
        for i in 0..1 << order {
            // CAST: Each page is a folio now.
            // SAFETY: The page was one of this folio's, which has 2^order of them. So it is memory
            // of the type, and its `struct page` is there as long.
            let page = unsafe { Self::from_raw(self.first_page().add(i).cast()) };
            // SAFETY:
            // - The structure is valid, by the type invariants.
            // - No entry has the page, so that there is no other writer. In a page other than the
            //   first the field had the head of the folio.
            unsafe {
                let fields = &raw mut (*page.as_raw()).__bindgen_anon_1.__bindgen_anon_1;
                (&raw mut (*fields).__bindgen_anon_1.pgmap).write_volatile(pgmap);
            }
            // SAFETY: No entry has the page, and none gets it, as the caller ensures.
            unsafe { page.set_free() };
        }
        order
    }

    /// Warns if there are references to one of the 2^`order` pages from this on.
    ///
    /// # Safety
    ///
    /// All of the frames must be memory of the type `MEMORY_DEVICE_FS_DAX` that is there as long as
    /// the reference.
    pub(super) unsafe fn check_idle(&self, order: u32) {
        for i in 0..1 << order {
            // CAST: Each page is a folio now.
            // SAFETY: The frame is memory of the type and there, as the caller ensures.
            let page = unsafe { Self::from_raw(self.first_page().add(i).cast()) };
            warn_on_once!(page.references() != 0);
        }
    }
}
