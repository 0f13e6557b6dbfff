// SPDX-License-Identifier: GPL-2.0

//! Folios, and what is special about those of DAX devices.
//!
//! C headers: [`include/linux/mm.h`](srctree/include/linux/mm.h),
//! [`include/linux/mm_types.h`](srctree/include/linux/mm_types.h)

mod device;
mod idle;
mod owner;

pub use device::{
    DeviceFolio,
    InUse,
    Pinned,
    References, //
};

use crate::{
    bindings,
    units::Pfn, //
};
use kernel::types::Opaque;

/// A folio: memory that is managed as one, 2^order pages of it (`struct folio`).
///
/// # Invariants
///
/// The structure is valid, as is that of every page of the folio.
#[repr(transparent)]
pub struct Folio(Opaque<bindings::folio>);

impl Folio {
    /// The folio that C calls `folio`.
    ///
    /// # Safety
    ///
    /// `folio` must be a folio, not just a page of one, that lives for `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(folio: *mut bindings::folio) -> &'a Self {
        // CAST: `Folio` is transparent to the C structure.
        // SAFETY: The caller ensures that it is valid.
        // INVARIANT: As the caller ensures.
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
        // A folio begins with its first page.
        self.as_raw().cast()
    }

    /// The frame of the first page.
    #[inline]
    pub fn pfn(&self) -> Pfn {
        // SAFETY: Valid by the type invariants.
        Pfn::new(unsafe { bindings::folio_pfn(self.as_raw()) })
    }

    /// The binary logarithm of the number of pages.
    #[inline]
    pub fn order(&self) -> u32 {
        /// Where the second page, if there is one, has the order in its flags.
        const ORDER: usize = 0xff;
        let folio = self.as_raw();
        // SAFETY: Valid by the type invariants; a folio with the flag has a second page.
        unsafe {
            let flags = (&raw const (*folio).__bindgen_anon_1.__bindgen_anon_1.flags.f);
            if flags.read_volatile() & 1 << bindings::pageflags_PG_head == 0 {
                return 0;
            }
            ((*folio).__bindgen_anon_2.__bindgen_anon_1._flags_1 & ORDER) as u32
        }
    }

    /// The number of references: one for each mapping in a page table, and those of users.
    #[inline]
    pub fn references(&self) -> i32 {
        let folio = self.as_raw();
        // SAFETY: Valid by the type invariants. The count changes at any time.
        unsafe {
            (&raw const (*folio).__bindgen_anon_1.__bindgen_anon_1._refcount.counter)
                .read_volatile()
        }
    }

    /// The number of mappings in page tables.
    #[inline]
    pub fn mappings(&self) -> i32 {
        // SAFETY: Valid by the type invariants.
        unsafe { bindings::folio_mapcount(self.as_raw()) }
    }
}
