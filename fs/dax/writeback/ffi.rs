// SPDX-License-Identifier: GPL-2.0

//! The C symbol for writeback.

use core::ptr::NonNull;
use kernel::{
    error::from_result,
    ffi::c_int,
    prelude::*, //
};
use kernel_ext::{
    bindings,
    dax::DaxDevice,
    fs::{
        mapping::AddressSpace,
        writeback::WritebackControl, //
    },
};

kernel_ext::check_prototypes!(dax_writeback_mapping_range);

/// Makes durable what was written to a range of a file through mappings. Sleeps.
///
/// Does nothing unless somebody waits (`WB_SYNC_ALL`). Returns `-EIO` if the file has blocks that are
/// no pages, or if data is lost because the memory is gone.
///
/// # Safety
///
/// `mapping` must be the address space of an inode that the caller keeps, `dax_dev` a valid device,
/// `wbc` an initialised description.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_writeback_mapping_range(
    mapping: *mut bindings::address_space,
    dax_dev: *mut bindings::dax_device,
    wbc: *mut bindings::writeback_control,
) -> c_int {
    from_result(|| {
        // SAFETY: The caller ensures that they are valid until this returns.
        let (mapping, device, wbc) = unsafe {
            (
                AddressSpace::from_raw(mapping),
                DaxDevice::from_raw(NonNull::new(dax_dev).ok_or(EIO)?),
                WritebackControl::from_raw(wbc),
            )
        };
        super::write_back(mapping, device, wbc)?;
        Ok(0)
    })
}
