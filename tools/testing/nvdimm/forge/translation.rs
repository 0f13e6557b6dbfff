// SPDX-License-Identifier: GPL-2.0

//! crate: user
//!
//! A driver says of any address that it is memory of its DAX device.

use core::ptr::NonNull;
use kernel::prelude::*;
use kernel_ext::{
    dax::Translation,
    units::Pfn, //
};

#[cfg(not(control))]
fn anywhere(kaddr: NonNull<u8>, pfn: Pfn) -> Result<Translation> {
    Translation::new(kaddr, pfn, 1) //~ E0133
}

#[cfg(control)]
fn parts(translation: Translation) -> (NonNull<u8>, Pfn, usize) {
    let _: Result = Ok(());
    translation.into_parts()
}
