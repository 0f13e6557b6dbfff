// SPDX-License-Identifier: GPL-2.0

//! Folios.
//!
//! C headers: [`include/linux/mm.h`](srctree/include/linux/mm.h),
//! [`include/linux/mm_types.h`](srctree/include/linux/mm_types.h)

use crate::{
    bindings,
    units::Pfn, //
};
use core::ops::Deref;
use kernel::types::Opaque;

/// A folio: memory that is managed as one, 2^order pages of it (`struct folio`).
///
/// # Invariants
///
/// The structure is valid, as is that of every page of the folio.
///
/// # Examples
///
/// ```
/// use kernel_ext::mm::folio::Folio;
///
/// /// Whether each reference to the folio is one of a page table.
/// fn is_only_mapped(folio: &Folio) -> bool {
///     folio.references() == folio.mappings()
/// }
/// ```
#[repr(transparent)]
pub struct Folio(Opaque<bindings::folio>);

impl Folio {
    /// The folio that C calls `folio`.
    ///
    /// # Safety
    ///
    /// `folio` must be a folio, not just a page of one, whose `struct page`s stay for `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(folio: *mut bindings::folio) -> &'a Self {
        // CAST: `Folio` is transparent to the C structure.
        // INVARIANT: The `struct page`s are those of the folio.
        // SAFETY: The structure lies over `struct page`s, which stay for `'a`, as the caller ensures.
        unsafe { &*folio.cast() }
    }

    /// The folio as C names it.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::folio {
        self.0.get()
    }

    /// The first page as C names it.
    #[inline]
    pub fn first_page(&self) -> *mut bindings::page {
        // CAST: A folio begins with its first page.
        self.as_raw().cast()
    }

    /// The frame of the first page (`folio_pfn()`).
    #[inline]
    pub fn pfn(&self) -> Pfn {
        // SAFETY: The structure is valid, by the type invariants.
        Pfn::new(unsafe { bindings::folio_pfn(self.as_raw()) })
    }

    /// The binary logarithm of the number of pages (`folio_order()`, which C inlines as this does).
    #[inline]
    pub fn order(&self) -> u32 {
        /// Where the second page, if there is one, has the order in its flags.
        const ORDER: usize = 0xff;
        let folio = self.as_raw();
        // SAFETY:
        // - The structure is valid, by the type invariants.
        // - A folio with the flag has a second page, whose structure is valid too.
        unsafe {
            let flags = &raw const (*folio).__bindgen_anon_1.__bindgen_anon_1.flags.f;
            if flags.read_volatile() & 1 << bindings::pageflags_PG_head == 0 {
                return 0;
            }
            ((*folio).__bindgen_anon_2.__bindgen_anon_1._flags_1 & ORDER) as u32
        }
    }

    /// The number of references, of which each mapping in a page table is one
    /// (`folio_ref_count()`).
    #[inline]
    pub fn references(&self) -> i32 {
        let folio = self.as_raw();
        // SAFETY:
        // - The structure is valid, by the type invariants.
        // - The count changes at any time; this reads it with one load.
        unsafe {
            (&raw const (*folio).__bindgen_anon_1.__bindgen_anon_1._refcount.counter)
                .read_volatile()
        }
    }

    /// The number of mappings in page tables (`folio_mapcount()`).
    #[inline]
    pub fn mappings(&self) -> i32 {
        // SAFETY: The structure is valid, by the type invariants.
        unsafe { bindings::folio_mapcount(self.as_raw()) }
    }

    /// Takes a reference to the folio (`folio_ref_inc()`).
    ///
    /// # Safety
    ///
    /// The folio must have a reference, or be memory that no allocator takes back when it has none.
    #[inline]
    pub unsafe fn pin(&self) -> Pinned<'_> {
        // SAFETY:
        // - The structure is valid, by the type invariants.
        // - The folio has not been given back to an allocator, as the caller ensures.
        unsafe { bindings::folio_ref_inc(self.as_raw()) };
        // INVARIANT: That reference.
        Pinned(self)
    }
}

/// A folio with a reference to it.
///
/// # Invariants
///
/// The reference was taken by [`Folio::pin`], and is this object's.
///
/// # Examples
///
/// ```
/// use kernel_ext::mm::{
///     fault::{FaultCode, VmFault},
///     folio::Pinned,
/// };
///
/// fn map_first_page(vmf: &VmFault, folio: Pinned<'_>) -> FaultCode {
///     vmf.insert_page(folio.pfn(), false, || folio)
/// }
/// ```
#[must_use = "the reference is dropped immediately when this is unused"]
pub struct Pinned<'a>(&'a Folio);

impl Pinned<'_> {
    /// The page of the frame, as C names it, if it is one of the folio's.
    #[inline]
    pub(crate) fn page(&self, pfn: Pfn) -> Option<*mut bindings::page> {
        // A frame before the folio gives a number that is larger than any folio; one test does for
        // both ends, in each fault.
        let offset = pfn.number().wrapping_sub(self.pfn().number());
        if offset >> self.order() != 0 {
            return None;
        }
        // SAFETY: The page is one of the folio's, whose structures are valid by the type
        // invariants.
        Some(unsafe { self.first_page().add(offset) })
    }
}

impl Deref for Pinned<'_> {
    type Target = Folio;

    #[inline]
    fn deref(&self) -> &Folio {
        self.0
    }
}

impl Drop for Pinned<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: The reference is this object's, by the type invariants.
        unsafe { bindings::folio_put(self.as_raw()) };
    }
}
