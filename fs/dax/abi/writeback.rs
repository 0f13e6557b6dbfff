// SPDX-License-Identifier: GPL-2.0

//! The C symbol for writeback.

use crate::{
    sys::mapping::DaxMapping,
    writeback, //
};
use core::ptr::NonNull;
use kernel::{
    error::from_result,
    ffi::c_int,
    prelude::*, //
};
use kernel_ext::{
    bindings,
    dax::{
        DaxDevice,
        FileDevice, //
    },
    fs::{
        mapping::AddressSpace,
        writeback::WritebackControl, //
    },
};

kernel_ext::check_prototypes!(dax_writeback_mapping_range);

/// Makes stores through mappings to a range of a file durable. Sleeps.
///
/// Does nothing unless the caller waits for it (`WB_SYNC_ALL`). Returns `-EIO` if the blocks of the
/// file are no pages, or if data is lost because the memory is gone.
///
/// # Safety
///
/// - `mapping` must be the address space of a file with DAX, to whose inode the caller has a
///   reference.
/// - `dax_dev` must be NULL, or a device to which the caller's filesystem has a reference, and
///   which has the blocks of the file.
/// - `wbc` must be an initialised description, which is not changed until this returns.
#[no_mangle]
pub(crate) unsafe extern "C" fn dax_writeback_mapping_range(
    mapping: *mut bindings::address_space,
    dax_dev: *mut bindings::dax_device,
    wbc: *mut bindings::writeback_control,
) -> c_int {
    from_result(|| {
        // SAFETY: The caller's reference to the inode keeps its address space.
        let mapping = unsafe { AddressSpace::from_raw(mapping) };
        // SAFETY: The file is one with DAX, as the caller ensures.
        let mapping = unsafe { DaxMapping::of_dax_file(mapping) };
        // SAFETY: The filesystem's reference keeps the device.
        let device = unsafe { DaxDevice::from_raw(NonNull::new(dax_dev).ok_or(EIO)?) };
        // SAFETY: Writeback flushes memory of entries of the file, which is memory of the device,
        // as the caller ensures.
        let device = unsafe { FileDevice::new(device) };
        // SAFETY: The description is initialised, and stays as it is until this returns.
        let wbc = unsafe { WritebackControl::from_raw(wbc) };
        writeback::write_back(mapping, device, wbc)?;
        Ok(0)
    })
}
