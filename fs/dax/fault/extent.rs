// SPDX-License-Identifier: GPL-2.0

//! Mapping what the filesystem says is there.

use super::{
    Fault,
    Report, //
};
use crate::{
    cow,
    entry::{
        self,
        Entry,
        Order, //
    },
    folio,
    slot::{
        LockedEntry,
        NotReplaced, //
    },
    span::Span, //
};
use kernel::prelude::*;
use kernel_ext::{
    dax::{
        client::read_lock,
        AccessMode, //
    },
    iomap::{
        ExtentType,
        Iter,
        Map, //
    },
    mm::fault::FaultCode,
    units::Pfn,
    warn_on_once, //
};

/// How far a fault has come with an extent.
pub(super) enum Step {
    /// It ends with this code.
    Done(FaultCode),
    /// There is a huge entry, but other memory for a part of it.
    EntryTooLarge,
}

/// What a fault does with the storage of an extent.
struct Plan {
    /// The first frame.
    pfn: Pfn,
    /// Others have the storage too; for a write, the storage is new, and takes its place.
    shared: bool,
    /// The memory is to be mapped only after the file has been synced.
    sync: bool,
}

impl Fault<'_> {
    /// Maps the extent at which `iter` is. `entry` is the one of the slot.
    #[inline(always)]
    pub(super) fn map_extent(
        &self,
        entry: &mut LockedEntry<'_, '_>,
        iter: &Iter<'_>,
        report: &mut Report<'_>,
    ) -> Step {
        let map = iter.map();
        if self.order == Order::Pte {
            if let Some(page) = self.vmf.cow_page() {
                return Step::Done(self.copy_privately(page, map));
            }
        }
        if !self.write && map.reads_as_zeros() {
            return Step::Done(self.load_hole(entry));
        }
        // For a write the filesystem has allocated blocks.
        if warn_on_once!(map.extent_type() != ExtentType::Mapped && !map.is_shared()) {
            return Step::Done(self.refuse(EIO));
        }
        let plan = match self.frame(map) {
            Ok(pfn) => Plan {
                pfn,
                shared: map.is_shared(),
                // A copy is the file's when this fault is over, and that is no less new.
                sync: self.write && self.vmf.is_sync() && (map.is_dirty() || map.is_shared()),
            },
            Err(e) => return Step::Done(self.refuse(e)),
        };
        self.map_storage(entry, iter, &plan, report)
    }

    /// Maps the memory that the extent is, and has the slot know it.
    #[inline(always)]
    fn map_storage(
        &self,
        entry: &mut LockedEntry<'_, '_>,
        iter: &Iter<'_>,
        plan: &Plan,
        report: &mut Report<'_>,
    ) -> Step {
        let replace = self.is_replaced(entry, plan.pfn);
        if replace && entry.entry().order() > self.order {
            return Step::EntryTooLarge;
        }
        if replace && entry.entry().kind() != entry::Kind::Empty {
            // Who has the old memory mapped must not go on with it.
            self.mapping
                .unmap_pages(entry.index(), entry.entry().order().pages());
            if folio::must_stay(entry) {
                // A small fault waits for it.
                return Step::Done(FaultCode::FALLBACK);
            }
        }
        if self.write && plan.shared {
            // Before the slot knows it: nobody finds memory that is not a copy yet.
            if let Err(e) = self.fill_copy(iter) {
                return Step::Done(FaultCode::from_error(e));
            }
        }
        if self.record(entry, plan, replace).is_err() {
            // Others have a part of the memory as small pages.
            return Step::Done(self.refuse(EIO));
        }
        Step::Done(if plan.sync {
            report.hand_out(plan.pfn)
        } else {
            self.insert(entry, plan.pfn)
        })
    }

    /// What a fault that cannot have its memory answers.
    pub(super) fn refuse(&self, e: Error) -> FaultCode {
        match self.order {
            Order::Pte => FaultCode::from_error(e),
            Order::Pmd => FaultCode::FALLBACK,
        }
    }

    /// The frame of the first page. All of the pages are behind each other in memory.
    ///
    /// Fails with `EINVAL` if that is not so, or if the frame is none that a huge page can begin with.
    #[inline(always)]
    fn frame(&self, map: &Map) -> Result<Pfn> {
        let guard = read_lock();
        let (window, pfn) = map.dax_device()?.direct_access_frame(
            &guard,
            map.page_offset(self.pos()),
            self.order.pages(),
            AccessMode::Access,
        )?;
        if window.pages() < self.order.pages() || pfn.number() % self.order.pages() != 0 {
            return Err(EINVAL);
        }
        Ok(pfn)
    }

    /// Whether the slot is to have the memory in place of what it has.
    ///
    /// Storage usually is what it was. It is not after a write to what files share, for which the
    /// filesystem has new blocks.
    #[inline]
    fn is_replaced(&self, entry: &LockedEntry<'_, '_>, pfn: Pfn) -> bool {
        entry.entry().mapped_pfn().is_none_or(|first| {
            let offset = self.start().0 - entry.index().0;
            first.number() + offset != pfn.number()
        })
    }

    /// Gives new storage the data that the file has there.
    #[cold]
    fn fill_copy(&self, iter: &Iter<'_>) -> Result {
        let span = Span::at(self.pos(), self.order.bytes()).ok_or(EIO)?;
        cow::fill(iter, span)
    }

    /// Notes in the slot what memory is about to be mapped, and that it will be written.
    ///
    /// Fails, and leaves the slot as it is, if other files have the memory in another way.
    #[inline(always)]
    fn record(
        &self,
        entry: &mut LockedEntry<'_, '_>,
        plan: &Plan,
        replace: bool,
    ) -> Result<(), NotReplaced> {
        // After a sync of the file it is mapped as dirty.
        let dirty = self.write && !plan.sync;
        if dirty {
            self.inode().mark_pages_dirty();
        }
        if !replace && !self.write {
            return Ok(());
        }
        let index = self.start();
        let mut update = entry.update();
        if replace {
            let new = Entry::mapped(self.order, plan.pfn);
            update.replace(new, |old, new, lock| {
                folio::exchange(old, new, index, plan.shared, lock)
            })?;
        }
        if dirty {
            update.mark_dirty();
        }
        if self.write && plan.shared {
            update.mark_towrite();
        }
        Ok(())
    }

    /// Maps the memory of the entry.
    #[inline(always)]
    fn insert(&self, entry: &LockedEntry<'_, '_>, pfn: Pfn) -> FaultCode {
        let Some(folio) = folio::of_locked(entry) else {
            return FaultCode::SIGBUS;
        };
        let folio = folio.pin();
        match self.order {
            Order::Pte => self.vmf.insert_page(&folio, pfn, self.write),
            Order::Pmd => self.vmf.insert_folio_pmd(&folio, self.write),
        }
    }
}

impl Report<'_> {
    /// Has the filesystem sync the file before the memory is mapped.
    #[inline]
    fn hand_out(&mut self, pfn: Pfn) -> FaultCode {
        match &mut self.sync_pfn {
            Some(place) => {
                **place = pfn;
                FaultCode::NEEDDSYNC
            }
            None => {
                warn_on_once!(true);
                FaultCode::SIGBUS
            }
        }
    }
}
