// SPDX-License-Identifier: GPL-2.0

//! Inserting pages into page tables.

use super::{
    FaultCode,
    VmFault, //
};
#[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
use crate::mm::folio::Folio;
use crate::{
    bindings,
    mm::folio::Pinned,
    units::Pfn, //
};

/// The page of zeros that all holes share.
///
/// # Invariants
///
/// The frame is that of a zero page.
///
/// # Examples
///
/// ```
/// use kernel_ext::mm::fault::{FaultCode, VmFault};
///
/// fn read_of_a_hole(vmf: &VmFault) -> FaultCode {
///     vmf.insert_zero_page(vmf.zero_page())
/// }
/// ```
#[derive(Clone, Copy)]
pub struct ZeroPage(Pfn);

impl ZeroPage {
    /// Its frame.
    #[inline]
    pub fn pfn(self) -> Pfn {
        self.0
    }
}

/// The huge folio of zeros that huge holes share.
///
/// # Invariants
///
/// The folio is the huge zero folio, and an address space keeps it for `'a`.
///
/// # Examples
///
/// ```
/// use kernel_ext::mm::fault::{FaultCode, VmFault};
///
/// fn read_of_a_huge_hole(vmf: &VmFault) -> FaultCode {
///     match vmf.huge_zero_folio() {
///         Some(zero) => vmf.insert_huge_zero_folio(zero),
///         None => FaultCode::FALLBACK,
///     }
/// }
/// ```
#[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
#[derive(Clone, Copy)]
pub struct HugeZeroFolio<'a>(&'a Folio);

#[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
impl<'a> HugeZeroFolio<'a> {
    /// The folio.
    #[inline]
    pub fn folio(self) -> &'a Folio {
        self.0
    }
}

impl VmFault {
    /// Maps the frame `pfn`, which is in `folio`, at the address; for writing, and dirty, if
    /// `write`.
    ///
    /// `NOPAGE` if the page is mapped now, by this task or another; `SIGBUS` if the frame is not
    /// one of the folio's. Takes the lock of the page table, may sleep to allocate one.
    #[inline]
    pub fn insert_page(&self, folio: &Pinned<'_>, pfn: Pfn, write: bool) -> FaultCode {
        let Some(page) = folio.page(pfn) else {
            return FaultCode::SIGBUS;
        };
        // SAFETY:
        // - The fault is valid, by the type invariants.
        // - The page is one of `folio`, which has a reference.
        FaultCode::from_raw(unsafe {
            bindings::vmf_insert_page_mkwrite(self.as_raw(), page, write)
        })
    }

    /// Maps `folio`, which has the order of a PMD, around the address; for writing, and dirty, if
    /// `write`.
    ///
    /// `NOPAGE` if it is mapped now, by this task or another; `SIGBUS` for a folio of another
    /// order. Takes the lock of the page table, may sleep to allocate one.
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    #[inline]
    pub fn insert_folio_pmd(&self, folio: &Pinned<'_>, write: bool) -> FaultCode {
        // SAFETY:
        // - The fault is valid, by the type invariants.
        // - The folio is valid, and has a reference.
        FaultCode::from_raw(unsafe {
            bindings::vmf_insert_folio_pmd(self.as_raw(), folio.as_raw(), write)
        })
    }

    /// The page of zeros for the address.
    #[inline]
    pub fn zero_page(&self) -> ZeroPage {
        // INVARIANT: The function returns the frame of a zero page.
        // SAFETY: The function takes any address.
        ZeroPage(Pfn::new(unsafe { bindings::zero_pfn(self.address()) }))
    }

    /// Maps the page of zeros at the address, for reading. As [`VmFault::insert_page`].
    #[inline]
    pub fn insert_zero_page(&self, zero: ZeroPage) -> FaultCode {
        // SAFETY:
        // - The fault is valid, by the type invariants.
        // - The zero page has a `struct page`, and is never freed.
        FaultCode::from_raw(unsafe {
            bindings::vmf_insert_page_mkwrite(
                self.as_raw(),
                bindings::pfn_to_page(zero.0.number()),
                false,
            )
        })
    }

    /// The huge folio of zeros, or [`None`] if there is no memory for it. May sleep.
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    pub fn huge_zero_folio(&self) -> Option<HugeZeroFolio<'_>> {
        // SAFETY: The area is valid and locked, by the type invariants, and keeps its address
        // space.
        let folio = unsafe { bindings::mm_get_huge_zero_folio((*self.vma().as_ptr()).vm_mm) };
        if folio.is_null() {
            return None;
        }
        // INVARIANT: The address space keeps the folio from now on until it is torn down, and the
        // area of the fault keeps the address space.
        // SAFETY: The function returns a folio, which stays as long, as said above.
        Some(HugeZeroFolio(unsafe { Folio::from_raw(folio) }))
    }

    /// Maps the huge folio of zeros around the address, for reading. As
    /// [`VmFault::insert_folio_pmd`].
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    #[inline]
    pub fn insert_huge_zero_folio(&self, zero: HugeZeroFolio<'_>) -> FaultCode {
        // SAFETY:
        // - The fault is valid, by the type invariants.
        // - An address space keeps the folio, by the type invariants.
        FaultCode::from_raw(unsafe {
            bindings::vmf_insert_folio_pmd(self.as_raw(), zero.0.as_raw(), false)
        })
    }
}
