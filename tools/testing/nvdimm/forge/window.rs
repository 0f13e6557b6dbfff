// SPDX-License-Identifier: GPL-2.0

//! crate: user
//!
//! Any address is memory of a DAX device.

use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel_ext::dax::{
    client::{
        ReadGuard,
        Window, //
    },
    AccessMode,
    DaxDevice,
    PageOffset, //
};

#[cfg(not(control))]
fn anywhere(device: &DaxDevice, kaddr: NonNull<u8>) -> Window<'_> {
    Window {
        device,                    //~ E0451
        start: PageOffset::new(0), //~ E0451
        kaddr,                     //~ E0451
        len: 4096,                 //~ E0451
        _guard: PhantomData,       //~ E0451
    }
}

#[cfg(control)]
fn translated<'a>(device: &'a DaxDevice, guard: &'a ReadGuard) -> Option<Window<'a>> {
    let _: PhantomData<NonNull<u8>> = PhantomData;
    device
        .direct_access(guard, PageOffset::new(0), 1, AccessMode::Access)
        .ok()
}
