// SPDX-License-Identifier: GPL-2.0

//! Page faults: mapping the memory of a DAX device, where a file has its data.
//!
//! A fault is for one page (PTE) or for 2 MiB (PMD), and takes the same path for both:
//!
//! 1. It must be inside of the file, and a huge one must fit ([`fit`]).
//! 2. The entry of the slot is locked, or made; so no other fault, and no writeback, is on the same
//!    memory. Whoever was faster with the other size wins.
//! 3. The filesystem says where the bytes are. What reads as zeros is mapped as such ([`hole`]);
//!    storage is looked up, copied if others share it, and put into the slot ([`extent`]).
//! 4. The memory is mapped. If that has to wait for a sync of the file, the frame is handed to the
//!    filesystem, which syncs and comes back ([`sync`]).
//!
//! A huge fault that does not work out at any point falls back: the core of memory management then
//! tries a small one.
//!
//! The filesystem holds the locks that keep the file from being truncated, or its extents from being
//! moved, under a fault. Everything here may sleep.

mod extent;
mod ffi;
mod fit;
mod hole;
mod private;
mod sync;

use crate::{
    entry::Order,
    folio,
    slot::{
        self,
        GrabError,
        LockedEntry,
        Slot, //
    },
    trace, //
};
use core::convert::Infallible;
use extent::Step;
use fit::Place;
use kernel::{
    ffi::c_int,
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    }, //
};
use kernel_ext::{
    fs::{
        inode::Inode,
        mapping::{
            AddressSpace,
            PageIndex, //
        }, //
    },
    iomap::{
        Flags,
        Iter,
        Map,
        Ops, //
    },
    memremap::Hold,
    mm::{
        fault::{
            FaultCode,
            PmdState,
            VmFault, //
        },
        folio::References, //
    },
    task::fatal_signal_pending,
    units::{
        Pfn,
        PAGE_SHIFT,
        PAGE_SIZE, //
    },
    warn_on_once, //
};

/// Handles a fault with an extent that `ops` knows.
fn handle(vmf: &VmFault, order: Order, ops: &Ops, report: Report<'_>) -> FaultCode {
    // Two copies of one path, each without what is for the other size.
    match order {
        Order::Pte => Fault::new(vmf, Order::Pte).handle(ops, report),
        Order::Pmd => Fault::new(vmf, Order::Pmd).handle(ops, report),
    }
}

/// A fault on a file, for memory of the size of `order`.
struct Fault<'a> {
    vmf: &'a VmFault,
    mapping: &'a AddressSpace,
    order: Order,
    /// Whether the file is to be written; a write to a private copy only reads it.
    write: bool,
}

/// What the filesystem is told beyond the code.
struct Report<'a> {
    /// Where it wants the frame that is to be mapped after a sync of the file.
    sync_pfn: Option<&'a mut Pfn>,
    /// Where it wants the error of its own that made the fault fail.
    error: Option<&'a mut c_int>,
}

impl<'a> Fault<'a> {
    #[inline(always)]
    fn new(vmf: &'a VmFault, order: Order) -> Self {
        Self {
            vmf,
            mapping: vmf.mapping(),
            order,
            write: vmf.is_write() && !(order == Order::Pte && vmf.has_cow_page()),
        }
    }

    #[inline]
    fn inode(&self) -> &'a Inode {
        self.mapping.host()
    }

    /// The first page of the memory that is to be mapped.
    #[inline]
    fn start(&self) -> PageIndex {
        self.order.start(self.vmf.index())
    }

    /// Where in the file that memory begins, in bytes.
    #[inline]
    fn pos(&self) -> u64 {
        (self.start().0 as u64) << PAGE_SHIFT
    }

    /// Handles the fault, between its trace events.
    #[inline(always)]
    fn handle(&self, ops: &'a Ops, report: Report<'_>) -> FaultCode {
        // The filesystem holds locks against truncation, so the size stays good.
        let size = self.inode().size() as u64;
        let end = PageIndex(size.div_ceil(PAGE_SIZE) as usize);

        match self.order {
            Order::Pte => trace::pte_fault(self.inode(), self.vmf),
            Order::Pmd => trace::pmd_fault(self.inode(), self.vmf, end),
        }
        let code = self.handle_within(end, ops, report);
        match self.order {
            Order::Pte => trace::pte_fault_done(self.inode(), self.vmf, code),
            Order::Pmd => trace::pmd_fault_done(self.inode(), self.vmf, end, code),
        }
        code
    }

    /// Handles the fault in a file whose first page that is not there is `end`.
    #[inline(always)]
    fn handle_within(&self, end: PageIndex, ops: &'a Ops, report: Report<'_>) -> FaultCode {
        if self.start() >= end {
            return FaultCode::SIGBUS;
        }
        let code = if self.order == Order::Pmd && !self.fits(end) {
            FaultCode::FALLBACK
        } else {
            self.handle_slot(ops, report)
        };
        if self.order == Order::Pmd && code == FaultCode::FALLBACK {
            self.vmf.fall_back_from_pmd();
        }
        code
    }

    /// Locks the entry, and maps its memory.
    #[inline(always)]
    fn handle_slot(&self, ops: &'a Ops, report: Report<'_>) -> FaultCode {
        let mut slot = Slot::new(self.mapping, self.vmf.index(), self.order);
        let entry = match slot::grab(&mut slot, self.order) {
            Ok(entry) => entry,
            Err(GrabError::Fallback) => return FaultCode::FALLBACK,
            Err(GrabError::OutOfMemory) => return FaultCode::OOM,
            Err(GrabError::Io) => return FaultCode::SIGBUS,
        };
        // A fault of the other size may have been faster, for example if a private mapping is both
        // read and written. Then the access is tried again.
        match (self.order, self.vmf.pmd_state()) {
            (Order::Pte, PmdState::Huge) => FaultCode::NOPAGE,
            (Order::Pmd, PmdState::Table) => FaultCode::NONE,
            _ => self.handle_extents(entry, ops, report),
        }
    }

    /// Asks the filesystem for the extent, and maps that.
    #[inline(always)]
    fn handle_extents(
        &self,
        mut entry: LockedEntry<'_, '_>,
        ops: &'a Ops,
        mut report: Report<'_>,
    ) -> FaultCode {
        let mut flags = Flags::DAX | Flags::FAULT;
        if self.write {
            flags = flags | Flags::WRITE;
        }
        let mut iter = Iter::new(self.inode(), self.pos(), self.order.bytes(), flags);

        // What it comes to if the filesystem has no extent for a huge page.
        let mut code = match self.order {
            Order::Pte => FaultCode::NONE,
            Order::Pmd => FaultCode::FALLBACK,
        };
        let end = loop {
            match iter.next(ops) {
                Ok(true) => (),
                Ok(false) => break Ok(()),
                Err(e) => break Err(e),
            }
            if iter.length() < self.order.bytes() {
                // A huge page falls back; less than a page is a corrupt filesystem.
                if warn_on_once!(self.order == Order::Pte) {
                    iter.finish(Err(EIO));
                }
                continue;
            }
            match self.map_extent(&mut entry, &iter, &mut report) {
                Step::Done(done) => code = self.account(done, &iter),
                Step::EntryTooLarge => return self.make_room(entry, iter.map()),
            }
            if !code.is_error() {
                let advanced = iter.advance(self.order.bytes());
                iter.finish(advanced);
            }
        };
        self.conclude(code, end, report)
    }

    /// Whether a huge page fits, and makes sense.
    fn fits(&self, end: PageIndex) -> bool {
        // A private copy is made page by page.
        if self.write && !self.vmf.is_shared() {
            return false;
        }
        let vma = self.vmf.vma();
        let place = Place {
            address: self.vmf.address(),
            area: vma.start()..vma.end(),
            index: self.vmf.index(),
            end,
        };
        place.has_room(self.order.log2())
    }

    /// Removes an entry that is larger than the extent which has the memory now, and leaves it to
    /// the next fault to make a smaller one.
    #[cold]
    fn make_room(&self, entry: LockedEntry<'_, '_>, map: &Map) -> FaultCode {
        let (order, mut memory) = (entry.entry().order(), Hold::nothing());
        let frames = entry
            .entry()
            .mapped_pfn()
            .and_then(|pfn| memory.frames(pfn, order.pages()));
        let (Some(frames), Ok(device)) = (frames, map.dax_device()) else {
            return FaultCode::SIGBUS;
        };
        self.mapping.unmap_pages(entry.index(), order.pages());
        if folio::must_stay(&entry) {
            return self.wait_a_little();
        }
        let Ok(flushed) = entry.flush(|_, _, _| {
            device.flush(frames);
            Ok::<(), Infallible>(())
        });
        drop(flushed.remove(|entry, lock| folio::release(entry, References::None, lock)));
        FaultCode::NOPAGE
    }

    /// Has the access fault again, after somebody else may have done something.
    ///
    /// The caller of the fault holds locks, so this must not wait for it to be done.
    #[cold]
    fn wait_a_little(&self) -> FaultCode {
        if fatal_signal_pending() {
            return FaultCode::SIGBUS;
        }
        fsleep(Delta::from_millis(1));
        FaultCode::NOPAGE
    }

    /// Counts a fault for which the filesystem had to allocate as a major one.
    #[inline]
    fn account(&self, code: FaultCode, iter: &Iter<'_>) -> FaultCode {
        if self.order == Order::Pmd || code == FaultCode::SIGBUS || !iter.map().is_new() {
            return code;
        }
        self.vmf.count_major();
        code | FaultCode::MAJOR
    }

    /// What the fault comes to after the iteration over extents has ended.
    #[inline]
    fn conclude(&self, code: FaultCode, end: Result, report: Report<'_>) -> FaultCode {
        if self.order == Order::Pmd {
            return code;
        }
        if let Some(error) = report.error {
            *error = end.err().map_or(0, Error::to_errno);
        }
        match end {
            Err(e) if code.is_none() => FaultCode::from_error(e),
            _ => code,
        }
    }
}
