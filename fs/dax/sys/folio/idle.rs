// SPDX-License-Identifier: GPL-2.0

//! Whether a folio of a DAX device is in use, and waiting until it is not.

use super::DeviceFolio;
use kernel::{
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    },
};
use kernel_ext::wait_bit;

impl DeviceFolio {
    /// Whether a task uses the folio other than by a mapping: I/O in flight, for one.
    #[inline]
    pub(crate) fn is_busy(&self) -> bool {
        self.references() != self.mappings()
    }

    /// As [`DeviceFolio::is_busy`], when the caller has just taken the one entry that has the folio
    /// out of all page tables, and keeps faults from putting it back.
    ///
    /// `MADV_DONTNEED` first makes a page table unreachable and then drops the mappings that were
    /// in it (`zap_pte_range()`). Until then the folio counts them, but a task that unmaps it does
    /// not meet them, nor wait for the lock that they are under. So they count as use here. If
    /// several entries have the folio, mappings of the other files do not.
    #[inline]
    pub(crate) fn is_busy_unmapped(&self) -> bool {
        if self.owner().is_some() {
            self.references() != 0
        } else {
            self.is_busy()
        }
    }

    /// Waits until the folio is not [busy](DeviceFolio::is_busy). Sleeps.
    ///
    /// The task that drops the last reference wakes the waiter. A mapping is a reference too: if
    /// some task maps the folio meanwhile, or another file that shares it, the wake-up does not
    /// come, and the waiter looks at the folio again after a while. C waits until that mapping
    /// goes.
    pub(crate) fn wait_until_idle(&self) {
        self.let_mapping_go();
        wait_bit::wait_var(self.first_page().cast(), || !self.is_busy());
    }

    /// Like [`DeviceFolio::wait_until_idle`], but lets the caller sleep, and fails with
    /// `ERESTARTSYS` if a signal comes; see [`wait_bit::wait_var_interruptible`].
    pub(crate) fn wait_until_idle_interruptible(&self, sleep: impl FnMut()) -> Result {
        self.let_mapping_go();
        wait_bit::wait_var_interruptible(self.first_page().cast(), || !self.is_busy(), sleep)
    }

    /// Sleeps for a moment if the folio is mapped and not busy.
    ///
    /// The caller has unmapped it, so that mapping is about to be dropped, without a wake-up (see
    /// [`DeviceFolio::is_busy_unmapped`]). With PREEMPT_RT the task that drops it may need this
    /// CPU.
    fn let_mapping_go(&self) {
        if self.mappings() != 0 && !self.is_busy() {
            fsleep(Delta::from_micros(100));
        }
    }
}
