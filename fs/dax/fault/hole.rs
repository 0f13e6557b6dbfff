// SPDX-License-Identifier: GPL-2.0

//! Reads of holes: all of them share pages of zeros, so that a read allocates nothing.
//!
//! The first write finds the entry of a hole, takes the zeros out of all page tables and puts
//! storage in their place.

use super::request::{
    Fault,
    Size, //
};
use crate::{
    slot::LockedEntry,
    sys::{
        entry::{
            Entry,
            Order,
            Zeros, //
        },
        trace,
    },
};
use kernel_ext::{
    mm::fault::FaultCode,
    warn_on_once, //
};

impl<S: Size> Fault<'_, S> {
    /// Maps zeros.
    pub(super) fn load_hole(&self, entry: &mut LockedEntry<'_, '_>) -> FaultCode {
        match S::ORDER {
            Order::Pte => self.load_small_hole(entry),
            Order::Pmd => self.load_huge_hole(entry),
        }
    }

    fn load_small_hole(&self, entry: &mut LockedEntry<'_, '_>) -> FaultCode {
        let zero = self.vmf.zero_page();
        self.record_hole(entry, Zeros::page(zero));
        let code = self.vmf.insert_zero_page(zero);
        trace::load_hole(self.inode(), self.vmf, code);
        code
    }

    fn load_huge_hole(&self, entry: &mut LockedEntry<'_, '_>) -> FaultCode {
        let Some(zero) = self.vmf.huge_zero_folio() else {
            trace::pmd_load_hole_fallback(self.inode(), self.vmf, entry.entry());
            return FaultCode::FALLBACK;
        };
        self.record_hole(entry, Zeros::huge(zero));
        let code = self.vmf.insert_huge_zero_folio(zero);
        if code == FaultCode::NOPAGE {
            trace::pmd_load_hole(self.inode(), self.vmf, zero.folio(), entry.entry());
        }
        code
    }

    /// Notes in the slot that there is a hole, which reads as `zeros`.
    fn record_hole(&self, entry: &mut LockedEntry<'_, '_>, zeros: Zeros) {
        // An entry with storage is never replaced by a hole.
        if entry.entry() == Entry::zeros(zeros) || entry.entry().is_mapped() {
            return;
        }
        let replaced = entry.update().replace_by_zeros(zeros);
        // A larger hole, or placeholder, was removed when this entry was locked.
        warn_on_once!(replaced.is_err());
    }
}
