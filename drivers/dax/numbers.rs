// SPDX-License-Identifier: GPL-2.0

//! The device numbers of the core.

use crate::sys::cdev::{
    DevT,
    Region, //
};
use kernel::{
    prelude::*,
    sync::SetOnce, //
};
use kernel_ext::idr::Ida;

/// The major number of all devices, and the minor numbers that are free.
pub(crate) struct Numbers {
    region: Region,
    minors: Pin<KBox<Ida>>,
}

static NUMBERS: SetOnce<Numbers> = SetOnce::new();

/// The numbers, or `ENXIO` if the core could not be initialised.
pub(crate) fn numbers() -> Result<&'static Numbers> {
    NUMBERS.as_ref().ok_or(ENXIO)
}

impl Numbers {
    /// Takes a major number.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            region: Region::new(c"dax")?,
            minors: KBox::pin_init(Ida::new(), GFP_KERNEL)?,
        })
    }

    /// Makes these the numbers of the core. Only the first call has an effect.
    pub(crate) fn publish(self) {
        NUMBERS.populate(self);
    }

    /// Takes the lowest free minor number. Fails with `ENOMEM` if there is none. Sleeps.
    pub(crate) fn alloc(&self) -> Result<DevT> {
        let minor = self
            .minors
            .alloc(*Region::MINORS.end())
            .map_err(|_| ENOMEM)?;
        self.region
            .devt(minor)
            .ok_or(ENOMEM)
            .inspect_err(|_| self.minors.free(minor))
    }

    /// Gives a number back.
    pub(crate) fn free(&self, devt: DevT) {
        self.minors.free(devt.minor());
    }
}
