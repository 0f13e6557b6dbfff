// SPDX-License-Identifier: GPL-2.0

//! Evidence that a device is alive.
//!
//! A device dies while others use it: its memory is unplugged, its driver unbound. A user of a device
//! first enters the SRCU domain, then looks whether the device is alive, and leaves the domain when
//! done. Killing a device ([`crate::life::kill`]) clears the flag and waits for the domain. So inside
//! the domain [`AliveDax`] means: the killing has not returned, hence the driver's private data and
//! operations are still there. It does not mean that the killing has not begun.

use crate::{
    device::{
        flag,
        Device,
        DeviceObject, //
    },
    sys::domain::{
        DaxDomain,
        DaxReading, //
    },
};
use core::ops::Deref;
use kernel::prelude::*;
use kernel_ext::{
    bitops::FlagSet,
    sync::srcu::{
        self,
        SrcuReadGuard, //
    },
};

/// A task that uses devices, inside the SRCU domain.
pub(crate) type DaxReadGuard = SrcuReadGuard<DaxDomain>;

/// Enters the domain. May be nested; the task may sleep.
#[inline]
pub(crate) fn read_lock() -> DaxReadGuard {
    srcu::read_lock()
}

/// A device that was alive after the domain was entered; see the module on the meaning.
#[derive(Clone, Copy)]
pub(crate) struct AliveDax<'a> {
    dev: &'a DeviceObject,
    flags: FlagSet<Device>,
}

impl AliveDax<'_> {
    /// The flags that the device had when it was found alive.
    #[inline]
    pub(crate) fn flags_then(self) -> FlagSet<Device> {
        self.flags
    }
}

impl Deref for AliveDax<'_> {
    type Target = DeviceObject;

    #[inline]
    fn deref(&self) -> &DeviceObject {
        self.dev
    }
}

/// `dev` if it is alive, else `ENXIO`.
#[inline]
pub(crate) fn alive<'a>(dev: &'a DeviceObject, _: DaxReading<'a>) -> Result<AliveDax<'a>> {
    let flags = dev.flags();
    if flags.contains(flag::ALIVE) {
        Ok(AliveDax { dev, flags })
    } else {
        Err(ENXIO)
    }
}
