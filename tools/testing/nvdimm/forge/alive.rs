// SPDX-License-Identifier: GPL-2.0

//! crate: dax_core
//!
//! A device is alive, although the task has not looked.

use crate::{
    device::DeviceObject,
    liveness::{
        self,
        AliveDax, //
    },
    sys::domain::DaxReading,
};
use kernel::prelude::*;

#[cfg(not(control))]
fn without_looking<'a>(alive: AliveDax<'a>, dead: &'a DeviceObject) -> AliveDax<'a> {
    AliveDax {
        dev: dead,                 //~ E0451
        flags: alive.flags_then(), //~ E0451
    }
}

#[cfg(control)]
fn found_alive<'a>(dev: &'a DeviceObject, reading: DaxReading<'a>) -> Result<AliveDax<'a>> {
    liveness::alive(dev, reading)
}
