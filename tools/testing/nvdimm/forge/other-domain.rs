// SPDX-License-Identifier: GPL-2.0

//! crate: dax_core
//!
//! A device is alive for a reader of another SRCU domain.

use crate::{
    device::DeviceObject,
    liveness::{
        self,
        AliveDax, //
    },
    sys::domain::DaxDomain,
};
use kernel::prelude::*;
use kernel_ext::sync::srcu::{
    Domain,
    SrcuReadGuard, //
};

#[cfg(not(control))]
fn of_any<'a, D: Domain>(
    dev: &'a DeviceObject,
    guard: &'a SrcuReadGuard<D>,
    _: &SrcuReadGuard<DaxDomain>,
) -> Result<AliveDax<'a>> {
    liveness::alive(dev, guard.reading()) //~ E0308
}

#[cfg(control)]
fn of_dax<'a, D: Domain>(
    dev: &'a DeviceObject,
    guard: &'a SrcuReadGuard<DaxDomain>,
    _: &SrcuReadGuard<D>,
) -> Result<AliveDax<'a>> {
    liveness::alive(dev, guard.reading())
}
