// SPDX-License-Identifier: GPL-2.0

//! crate: dax_core
//!
//! A device is alive because somebody says so.

use crate::{
    device::DaxDevice,
    liveness::{
        self,
        AliveDax, //
    }, //
};
use kernel::prelude::*;
use kernel_ext::sync::srcu::Reading;

#[cfg(not(control))]
fn without_looking<'a>(dev: &'a DaxDevice) -> AliveDax<'a> {
    AliveDax { dev, flags: 1 } //~ E0451
}

#[cfg(control)]
fn found_alive<'a>(dev: &'a DaxDevice, reading: Reading<'a>) -> Result<AliveDax<'a>> {
    liveness::alive(dev, reading)
}
