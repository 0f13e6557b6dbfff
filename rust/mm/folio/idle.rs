// SPDX-License-Identifier: GPL-2.0

//! Waiting until nobody uses a folio of a DAX device.

use super::DeviceFolio;
use crate::{
    memremap::Frames,
    wait_bit, //
};
use kernel::{
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    },
};

impl<'a> Frames<'a> {
    /// The folio that the frames are, or are a part of.
    #[inline]
    pub fn folio(self) -> &'a DeviceFolio {
        // SAFETY: By the type invariants of `Frames`.
        unsafe { DeviceFolio::of_frame(self.first()) }
    }
}

impl DeviceFolio {
    /// Waits until the folio is not [busy](DeviceFolio::is_busy). Sleeps.
    ///
    /// Whoever drops the last reference wakes those who wait. A mapping is a reference too: where
    /// somebody maps the folio meanwhile, or another file that shares it, nobody does, and the folio is
    /// looked at once in a while. C waits until the mapping goes, which may be never.
    pub fn wait_until_idle(&self) {
        self.let_mapping_go();
        wait_bit::wait_var(self.first_page().cast(), || !self.is_busy());
    }

    /// Like [`DeviceFolio::wait_until_idle`], but lets the caller sleep, and fails with `ERESTARTSYS`
    /// if a signal comes; see [`wait_bit::wait_var_interruptible`].
    pub fn wait_until_idle_interruptible(&self, sleep: impl FnMut()) -> Result {
        self.let_mapping_go();
        wait_bit::wait_var_interruptible(self.first_page().cast(), || !self.is_busy(), sleep)
    }

    /// Sleeps for a moment if the folio is mapped and not busy.
    ///
    /// Who has unmapped it and waits has met a mapping that is on its way out (see
    /// [`DeviceFolio::is_busy_unmapped`]). Nobody says when it is gone, and with PREEMPT_RT who takes
    /// it away may have to run on this CPU first.
    fn let_mapping_go(&self) {
        if self.mappings() != 0 && !self.is_busy() {
            fsleep(Delta::from_micros(100));
        }
    }
}
