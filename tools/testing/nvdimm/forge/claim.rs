// SPDX-License-Identifier: GPL-2.0

//! crate: dax_core
//!
//! A holder has claimed a device that another one holds.

use crate::holder::{
    Claim,
    Holder,
    HolderOps, //
};
use kernel::{
    ffi::c_void,
    prelude::*, //
};

#[cfg(not(control))]
fn without_exchange(holder: &Holder, data: *mut c_void) -> Claim<'_> {
    Claim { holder, data } //~ E0451
}

#[cfg(control)]
fn exchanged(holder: &Holder, data: *mut c_void, ops: *const HolderOps) -> Result<Claim<'_>> {
    holder.claim(data, ops)
}
