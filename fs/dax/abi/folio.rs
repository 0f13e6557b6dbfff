// SPDX-License-Identifier: GPL-2.0

//! The C symbol for folios.

use crate::sys::folio::DeviceFolio;
use kernel::ffi::c_int;
use kernel_ext::bindings;

kernel_ext::check_prototypes!(dax_folio_reset_order);

/// Makes every page of a folio one of its own, without an owner, and returns the order that the
/// folio had: for device-dax, which has its own ways to make folios.
///
/// # Safety
///
/// `folio` must be a folio of a DAX device whose `struct page`s stay until this returns. It must
/// not be mapped or referenced, and no entry of a file may have it or get it meanwhile.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_folio_reset_order(folio: *mut bindings::folio) -> c_int {
    // SAFETY: The caller keeps the `struct page`s of the folio, which is one of a DAX device.
    let folio = unsafe { DeviceFolio::from_raw(folio) };
    // SAFETY: No entry has the folio or gets it, as the caller ensures.
    let order = unsafe { folio.take_apart() };
    // CAST: An order is less than the number of bits of an address.
    order as c_int
}
