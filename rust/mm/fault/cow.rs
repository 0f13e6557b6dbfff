// SPDX-License-Identifier: GPL-2.0

//! The private copy that a write fault in a private mapping makes.

use super::{
    FaultCode,
    VmFault, //
};
use crate::bindings;
use core::{
    ptr::NonNull,
    slice, //
};
use kernel::page::PAGE_SIZE;

/// The page that becomes the copy. Nobody else has it before it is mapped.
///
/// # Invariants
///
/// The page is valid, of the size of a page, and belongs to the handler of the fault alone.
pub struct CowPage<'a> {
    vmf: &'a VmFault,
    page: NonNull<bindings::page>,
}

impl<'a> CowPage<'a> {
    /// The page of `vmf`, if it has one.
    #[inline]
    pub(super) fn of(vmf: &'a VmFault) -> Option<Self> {
        // SAFETY: Valid by the type invariants.
        let page = unsafe { (*vmf.as_raw()).cow_page };
        // INVARIANT: The core of memory management allocates it for this fault.
        NonNull::new(page).map(|page| Self { vmf, page })
    }

    /// Fills the page with zeroes.
    pub fn clear(&mut self) {
        // SAFETY: By the type invariants the page is valid, and nobody else's.
        unsafe { bindings::clear_user_highpage(self.page.as_ptr(), self.vmf.address()) };
    }

    /// Calls `f` with the bytes of the page, to overwrite them. `f` must not sleep.
    pub fn with_bytes<R>(&mut self, f: impl FnOnce(&mut [u8]) -> R) -> R {
        // SAFETY: By the type invariants the page is valid.
        let addr = unsafe { bindings::kmap_local_page(self.page.as_ptr()) };
        // SAFETY: The page is mapped until below, and nobody else has it by the type invariants;
        // what the page was before is still some byte.
        let result = f(unsafe { slice::from_raw_parts_mut(addr.cast(), PAGE_SIZE) });
        // SAFETY: Mapped above.
        unsafe { bindings::kunmap_local(addr) };
        result
    }

    /// Maps the page, whose content is complete, at the address of the fault.
    pub fn finish(self) -> FaultCode {
        // SAFETY: By the type invariants the page is valid and not yet mapped; the fault is valid.
        let code = FaultCode::from_raw(unsafe {
            bindings::set_page_uptodate(self.page.as_ptr());
            bindings::finish_fault(self.vmf.as_raw())
        });
        if code.is_none() {
            FaultCode::DONE_COW
        } else {
            code
        }
    }
}
