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

/// The page that becomes the copy.
///
/// # Invariants
///
/// The page is valid, a folio of one page, and until it is mapped only the handler of the fault
/// uses it.
///
/// # Examples
///
/// ```
/// use kernel_ext::mm::fault::{FaultCode, VmFault};
///
/// fn copy_of_a_hole(vmf: &VmFault) -> FaultCode {
///     let Some(mut page) = vmf.cow_page() else {
///         return FaultCode::NONE;
///     };
///     page.clear();
///     page.finish()
/// }
/// ```
pub struct CowPage<'a> {
    vmf: &'a VmFault,
    page: NonNull<bindings::page>,
}

impl VmFault {
    /// The private page that is to become the copy, if the fault is a write to a private mapping.
    #[inline]
    pub fn cow_page(&self) -> Option<CowPage<'_>> {
        // SAFETY: The fault is valid, by the type invariants; the field does not change.
        let page = unsafe { (*self.as_raw()).cow_page };
        // INVARIANT: `do_cow_fault()` has allocated it for this fault, and passes it to this
        // handler only.
        NonNull::new(page).map(|page| CowPage { vmf: self, page })
    }
}

impl CowPage<'_> {
    /// Fills the page with zeros.
    pub fn clear(&mut self) {
        // SAFETY: The page is valid, and no other task uses it, by the type invariants.
        unsafe { bindings::clear_user_highpage(self.page.as_ptr(), self.vmf.address()) };
    }

    /// Calls `f` with the bytes of the page, to overwrite them. `f` must not sleep.
    pub fn with_bytes<R>(&mut self, f: impl FnOnce(&mut [u8]) -> R) -> R {
        // SAFETY: The page is valid, by the type invariants.
        let addr = unsafe { bindings::kmap_local_page(self.page.as_ptr()) };
        // SAFETY:
        // - The page is mapped at the address until below; it has `PAGE_SIZE` bytes.
        // - No other task uses it, by the type invariants.
        // - Its bytes have some value, whatever was in the page before.
        let result = f(unsafe { slice::from_raw_parts_mut(addr.cast(), PAGE_SIZE) });
        // SAFETY: The address is what `kmap_local_page()` returned last.
        unsafe { bindings::kunmap_local(addr) };
        result
    }

    /// Maps the page, whose content is complete, at the address of the fault.
    pub fn finish(self) -> FaultCode {
        // SAFETY:
        // - The page is valid and not yet mapped, by the type invariants.
        // - The fault is valid, by the type invariants of `VmFault`.
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
