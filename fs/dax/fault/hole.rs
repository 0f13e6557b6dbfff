// SPDX-License-Identifier: GPL-2.0

//! Reads of holes: all of them share pages of zeros, so that reading allocates nothing.
//!
//! The first write finds the entry of a hole, takes the zeros out of all page tables and puts
//! storage in their place.

use super::Fault;
use crate::{
    entry::{
        Entry,
        Order, //
    },
    folio,
    slot::LockedEntry,
    trace, //
};
use kernel_ext::{
    mm::fault::FaultCode,
    units::Pfn,
    warn_on_once, //
};

impl Fault<'_> {
    /// Maps zeros.
    pub(super) fn load_hole(&self, entry: &mut LockedEntry<'_, '_>) -> FaultCode {
        match self.order {
            Order::Pte => self.load_small_hole(entry),
            Order::Pmd => self.load_huge_hole(entry),
        }
    }

    fn load_small_hole(&self, entry: &mut LockedEntry<'_, '_>) -> FaultCode {
        let zero = self.vmf.zero_page();
        self.record_hole(entry, zero.pfn());
        let code = self.vmf.insert_zero_page(zero);
        trace::load_hole(self.inode(), self.vmf, code);
        code
    }

    fn load_huge_hole(&self, entry: &mut LockedEntry<'_, '_>) -> FaultCode {
        let Some(zero) = self.vmf.huge_zero_folio() else {
            trace::pmd_load_hole_fallback(self.inode(), self.vmf, entry.entry());
            return FaultCode::FALLBACK;
        };
        self.record_hole(entry, zero.pfn());
        let code = self.vmf.insert_huge_zero_folio(zero);
        if code == FaultCode::NOPAGE {
            trace::pmd_load_hole(self.inode(), self.vmf, zero, entry.entry());
        }
        code
    }

    /// Notes in the slot that there is a hole, which reads as what is in the frame.
    fn record_hole(&self, entry: &mut LockedEntry<'_, '_>, pfn: Pfn) {
        let hole = Entry::zero(self.order, pfn);
        // What is storage stays storage.
        if entry.entry() == hole || entry.entry().is_mapped() {
            return;
        }
        let index = self.start();
        let replaced = entry.update().replace(hole, |old, new, lock| {
            folio::exchange(old, new, index, false, lock)
        });
        // A larger hole, or placeholder, has made room when this entry was locked.
        warn_on_once!(replaced.is_err());
    }
}
