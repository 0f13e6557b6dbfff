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

/// The page of zeroes that all holes share.
#[derive(Clone, Copy)]
pub struct ZeroPage(Pfn);

impl ZeroPage {
    /// Its frame.
    #[inline]
    pub fn pfn(self) -> Pfn {
        self.0
    }
}

impl VmFault {
    /// Maps the frame `pfn`, which is in `folio`, at the address; for writing, and dirty, if
    /// `write`.
    ///
    /// `NOPAGE` if the page is mapped now, be it by somebody else; `SIGBUS` if the frame is not one
    /// of the folio's. Takes the lock of the page table, may sleep to allocate one.
    #[inline]
    pub fn insert_page(&self, folio: &Pinned<'_>, pfn: Pfn, write: bool) -> FaultCode {
        let Some(page) = folio.page(pfn) else {
            return FaultCode::SIGBUS;
        };
        // SAFETY: The fault is valid by the type invariants, and the page as `folio` is pinned.
        FaultCode::from_raw(unsafe {
            bindings::vmf_insert_page_mkwrite(self.as_raw(), page, write)
        })
    }

    /// Maps `folio`, which has the order of a PMD, around the address; for writing, and dirty, if
    /// `write`.
    ///
    /// `NOPAGE` if it is mapped now, be it by somebody else; `SIGBUS` for a folio of another order.
    /// Takes the lock of the page table, may sleep to allocate one.
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    #[inline]
    pub fn insert_folio_pmd(&self, folio: &Pinned<'_>, write: bool) -> FaultCode {
        // SAFETY: The fault is valid by the type invariants, and the folio is pinned.
        FaultCode::from_raw(unsafe {
            bindings::vmf_insert_folio_pmd(self.as_raw(), folio.as_raw(), write)
        })
    }

    /// The page of zeroes for the address.
    #[inline]
    pub fn zero_page(&self) -> ZeroPage {
        // SAFETY: The function takes any address.
        ZeroPage(Pfn::new(unsafe { bindings::zero_pfn(self.address()) }))
    }

    /// Maps the page of zeroes at the address, for reading. As [`VmFault::insert_page`].
    #[inline]
    pub fn insert_zero_page(&self, zero: ZeroPage) -> FaultCode {
        // SAFETY: The fault is valid by the type invariants; the page is never freed.
        FaultCode::from_raw(unsafe {
            bindings::vmf_insert_page_mkwrite(
                self.as_raw(),
                bindings::pfn_to_page(zero.0.number()),
                false,
            )
        })
    }

    /// The huge folio of zeroes, or [`None`] if there is no memory for it. May sleep.
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    pub fn huge_zero_folio(&self) -> Option<&Folio> {
        // SAFETY: The address space is valid, as its area is.
        let folio = unsafe { bindings::mm_get_huge_zero_folio((*self.vma().as_ptr()).vm_mm) };
        if folio.is_null() {
            return None;
        }
        // SAFETY: The address space keeps it from now on, and the fault that.
        Some(unsafe { Folio::from_raw(folio) })
    }

    /// Maps the huge folio of zeroes around the address, for reading. As
    /// [`VmFault::insert_folio_pmd`].
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    #[inline]
    pub fn insert_huge_zero_folio(&self, zero: &Folio) -> FaultCode {
        // SAFETY: The fault is valid by the type invariants, and the folio is kept by the address
        // space.
        FaultCode::from_raw(unsafe {
            bindings::vmf_insert_folio_pmd(self.as_raw(), zero.as_raw(), false)
        })
    }
}
