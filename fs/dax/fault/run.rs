// SPDX-License-Identifier: GPL-2.0

//! The way of a fault: its checks, the lock of its entry, the extents of the filesystem.

use super::{
    extent::Step,
    fit::Place,
    request::{
        Fault,
        Pmd,
        Pte,
        Report,
        Size, //
    },
};
use crate::{
    new_blocks,
    slot::{
        self,
        GrabError,
        LockedEntry,
        Slot, //
    },
    sys::{
        entry::Order,
        mapping::DaxMapping,
        trace, //
    },
};
use kernel::prelude::*;
use kernel_ext::{
    iomap::{
        Flags,
        Iter,
        Ops, //
    },
    mm::fault::{
        FaultCode,
        PmdState,
        VmFault, //
    },
    units::PageIndex,
    warn_on_once, //
};

/// Handles a fault on the file that has `mapping`, whose extents `ops` knows.
pub(crate) fn handle(
    vmf: &VmFault,
    mapping: &DaxMapping,
    order: Order,
    ops: &Ops,
    report: Report<'_>,
) -> FaultCode {
    match order {
        Order::Pte => Fault::<Pte>::new(vmf, mapping, ops, report).trace_and_map(),
        Order::Pmd => Fault::<Pmd>::new(vmf, mapping, ops, report).trace_and_map(),
    }
}

impl<S: Size> Fault<'_, S> {
    /// Maps the memory, between the trace events of the fault.
    #[inline]
    fn trace_and_map(&self) -> FaultCode {
        // The filesystem holds locks against truncation, so the size stays good.
        let size = self.inode().size() as u64;
        let end = PageIndex::at_or_after(size);

        match S::ORDER {
            Order::Pte => trace::pte_fault(self.inode(), self.vmf),
            Order::Pmd => trace::pmd_fault(self.inode(), self.vmf, end),
        }
        let code = self.map_if_in_file(end);
        match S::ORDER {
            Order::Pte => trace::pte_fault_done(self.inode(), self.vmf, code),
            Order::Pmd => trace::pmd_fault_done(self.inode(), self.vmf, end, code),
        }
        code
    }

    /// Maps the memory, unless it is past the end of the file or a huge page does not fit. `end` is
    /// the first page that the file does not have.
    #[inline]
    fn map_if_in_file(&self, end: PageIndex) -> FaultCode {
        if self.start() >= end {
            return FaultCode::SIGBUS;
        }
        let code = if S::ORDER == Order::Pmd && !self.fits(end) {
            FaultCode::FALLBACK
        } else {
            self.lock_entry_and_map()
        };
        if S::ORDER == Order::Pmd && code == FaultCode::FALLBACK {
            self.vmf.fall_back_from_pmd();
        }
        code
    }

    /// Locks the entry, and maps its memory.
    #[inline]
    fn lock_entry_and_map(&self) -> FaultCode {
        let mut slot = Slot::new(self.mapping, self.vmf.index(), S::ORDER);
        let entry = match slot::grab(&mut slot, S::ORDER) {
            Ok(entry) => entry,
            Err(GrabError::Fallback) => return FaultCode::FALLBACK,
            Err(GrabError::OutOfMemory) => return FaultCode::OOM,
            Err(GrabError::Io) => return FaultCode::SIGBUS,
        };
        // A fault of the other size may have been faster, for example if a private mapping is both
        // read and written. Then the task repeats the access.
        match (S::ORDER, self.vmf.pmd_state()) {
            (Order::Pte, PmdState::Huge) => FaultCode::NOPAGE,
            (Order::Pmd, PmdState::Table) => FaultCode::NONE,
            _ => self.find_extent_and_map(entry),
        }
    }

    /// Asks the filesystem for the extent, and maps that.
    #[inline]
    fn find_extent_and_map(&self, mut entry: LockedEntry<'_, '_>) -> FaultCode {
        let mut flags = Flags::DAX | Flags::FAULT;
        if self.write {
            flags = flags | Flags::WRITE;
        }
        let mut iter = Iter::new(self.inode(), self.pos(), S::ORDER.bytes(), flags);

        // The code if the filesystem has no extent for a huge page.
        let mut code = match S::ORDER {
            Order::Pte => FaultCode::NONE,
            Order::Pmd => FaultCode::FALLBACK,
        };
        let end = loop {
            match iter.next(self.ops) {
                Ok(true) => (),
                Ok(false) => break Ok(()),
                Err(e) => break Err(e),
            }
            if iter.length() < S::ORDER.bytes() {
                // A huge page falls back; less than a page is a corrupt filesystem.
                if warn_on_once!(S::ORDER == Order::Pte) {
                    iter.finish(Err(EIO));
                }
                continue;
            }
            if !new_blocks::wait_for_write(&iter) {
                drop(entry);
                return self.wait_a_little();
            }
            match self.map_extent(&mut entry, &iter) {
                Step::Done(done) => code = self.account(done, &iter),
                Step::EntryTooLarge => return self.discard_oversized(entry, iter.map()),
            }
            if !code.is_error() {
                let advanced = iter.advance(S::ORDER.bytes());
                iter.finish(advanced);
            }
        };
        self.conclude(code, end)
    }

    /// Whether a huge page fits, and makes sense.
    fn fits(&self, end: PageIndex) -> bool {
        // A private copy is made page by page.
        if self.write && !self.vmf.is_shared() {
            return false;
        }
        // Writes are reported page by page too.
        if self.vmf.has_writes_reported() {
            return false;
        }
        let vma = self.vmf.vma();
        let place = Place {
            address: self.vmf.address(),
            area: vma.start()..vma.end(),
            index: self.vmf.index(),
            end,
        };
        place.has_room(S::ORDER.log2())
    }

    /// Counts a fault for which the filesystem had to allocate as a major one.
    #[inline]
    fn account(&self, code: FaultCode, iter: &Iter<'_>) -> FaultCode {
        if S::ORDER == Order::Pmd || code == FaultCode::SIGBUS || !iter.map().is_new() {
            return code;
        }
        self.vmf.count_major();
        code | FaultCode::MAJOR
    }

    /// The code of the fault after the iteration over extents has ended with `end`.
    #[inline]
    fn conclude(&self, code: FaultCode, end: Result) -> FaultCode {
        if S::ORDER == Order::Pmd {
            return code;
        }
        if let Some(error) = self.report.error {
            error.set(end.err().map_or(0, Error::to_errno));
        }
        match end {
            Err(e) if code.is_none() => FaultCode::from_error(e),
            _ => code,
        }
    }
}
