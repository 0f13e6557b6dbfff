// SPDX-License-Identifier: GPL-2.0

//! crate: dax_core
//!
//! A holder has claimed a device that another one holds.

use crate::{
    holder::{
        Claim,
        Holder, //
    },
    sys::holder::HolderId,
};
use kernel::prelude::*;

#[cfg(not(control))]
fn without_exchange(holder: &Holder, id: HolderId) -> Claim<'_> {
    Claim { holder, id } //~ E0451
}

#[cfg(control)]
fn exchanged(holder: &Holder, id: HolderId) -> Result<Claim<'_>> {
    holder.claim(id, None)
}
