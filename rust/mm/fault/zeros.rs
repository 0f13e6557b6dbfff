// SPDX-License-Identifier: GPL-2.0

//! What reads of holes share: pages of zeros.

use super::VmFault;
#[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
use crate::mm::folio::Folio;
use crate::{
    bindings,
    units::Pfn, //
};
use kernel::mm::virt::flags;

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
    /// The page of zeros for the address.
    #[inline]
    pub fn zero_page(&self) -> ZeroPage {
        // INVARIANT: The function returns the frame of a zero page.
        // SAFETY: The function takes any address.
        ZeroPage(Pfn::new(unsafe { bindings::zero_pfn(self.address()) }))
    }

    /// Whether the area may have the page of zeros (`vm_mixed_zeropage_allowed()`): the filesystem
    /// hears of each write to a shared page that is not writable, and no task pins one for long.
    #[inline]
    pub(super) fn may_have_zeros(&self) -> bool {
        let (vma, flags) = (self.vma().as_ptr(), self.vma().flags());
        // SAFETY: The area is valid and locked, by the type invariants. It keeps its address space,
        // its file, and the table of its operations.
        unsafe {
            if bindings::mm_forbids_zeropage((*vma).vm_mm) {
                return false;
            }
            !self.is_shared()
                || flags & (flags::WRITE | flags::MAYWRITE) == 0
                || ((*(*vma).vm_ops).pfn_mkwrite.is_some() && bindings::vma_is_fsdax(vma))
        }
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
}
