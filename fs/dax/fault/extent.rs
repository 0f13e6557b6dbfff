// SPDX-License-Identifier: GPL-2.0

//! Mapping the extent that the filesystem has found.

use super::request::{
    Fault,
    Size, //
};
use crate::{
    cow,
    memory::Memory,
    slot::LockedEntry,
    span::Span,
    sys::{
        entry::{
            Kind,
            Order,
            Storage, //
        },
        folio::DeviceFolio,
        guard::NotReplaced,
    },
};
use kernel::prelude::*;
use kernel_ext::{
    dax::client::read_lock,
    iomap::{
        ExtentType,
        Iter, //
    },
    mm::fault::FaultCode,
    warn_on_once, //
};

/// How far a fault has come with an extent.
pub(super) enum Step {
    /// It ends with this code.
    Done(FaultCode),
    /// There is a huge entry, but other memory for a part of it.
    EntryTooLarge,
}

/// How a fault maps the storage of an extent.
struct Plan<'a> {
    storage: Storage<'a>,
    /// Other files have the storage too; for a write, the storage is new, and takes the place of
    /// shared blocks.
    shared: bool,
    /// The memory is to be mapped only after the file has been synced.
    sync: bool,
}

impl<S: Size> Fault<'_, S> {
    /// Maps the extent at which `iter` is. `entry` is the one of the slot.
    #[inline]
    pub(super) fn map_extent(&self, entry: &mut LockedEntry<'_, '_>, iter: &Iter<'_>) -> Step {
        let map = iter.map();
        if S::ORDER == Order::Pte {
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
        // Keeps the memory until it is mapped: kill_dax() waits.
        let guard = read_lock();
        match Storage::at(map, &guard, self.pos(), S::ORDER) {
            Ok(storage) => {
                let plan = Plan {
                    storage,
                    shared: map.is_shared(),
                    // When this fault is over, a copy of shared blocks is the file's, and the
                    // metadata that says so has yet to be committed.
                    sync: self.write && self.vmf.is_sync() && (map.is_dirty() || map.is_shared()),
                };
                self.map_storage(entry, iter, &plan)
            }
            Err(e) => Step::Done(self.refuse(e)),
        }
    }

    /// Maps the memory that the extent is, and notes it in the slot.
    #[inline]
    fn map_storage(
        &self,
        entry: &mut LockedEntry<'_, '_>,
        iter: &Iter<'_>,
        plan: &Plan<'_>,
    ) -> Step {
        let replace = self.is_replaced(entry, plan.storage);
        if replace && entry.entry().order() > S::ORDER {
            return Step::EntryTooLarge;
        }
        if replace && entry.entry().kind() != Kind::Empty && !self.unmap_old(entry) {
            // A small fault waits until the old memory is idle.
            return Step::Done(FaultCode::FALLBACK);
        }
        if self.write && plan.shared {
            // Before the memory is in the slot: no task finds it before it is a copy.
            if let Err(e) = self.fill_copy(iter) {
                return Step::Done(FaultCode::from_error(e));
            }
        }
        if self.record(entry, plan, replace).is_err() {
            // Other files have a part of the memory as small pages.
            return Step::Done(self.refuse(EIO));
        }
        Step::Done(if plan.sync {
            self.hand_out(plan.storage)
        } else {
            self.insert(plan.storage)
        })
    }

    /// Whether the slot is to have the storage in place of the memory that it has.
    ///
    /// They usually are the same. They are not after a write to shared blocks, for which the
    /// filesystem has allocated new ones.
    #[inline]
    fn is_replaced(&self, entry: &LockedEntry<'_, '_>, storage: Storage<'_>) -> bool {
        entry.entry().mapped_pfn().is_none_or(|first| {
            let offset = self.start().offset_from(entry.index());
            first.plus(offset) != storage.pfn()
        })
    }

    /// Takes the old memory of the entry out of all page tables, so that no task goes on with it.
    /// Returns whether it can be replaced: not if it is huge and in use, because its folio would be
    /// taken apart.
    fn unmap_old(&self, entry: &LockedEntry<'_, '_>) -> bool {
        self.mapping
            .unmap_pages(entry.index(), entry.entry().order().pages());
        S::ORDER == Order::Pte || !Memory::of_unknown_device().is_busy_unmapped(entry.entry())
    }

    /// Gives new storage the data that the file has there.
    #[cold]
    fn fill_copy(&self, iter: &Iter<'_>) -> Result {
        let span = Span::at(self.pos(), S::ORDER.bytes()).ok_or(EIO)?;
        cow::fill(iter, span)
    }

    /// Notes in the slot what memory is about to be mapped, and that it will be written.
    ///
    /// Fails, and leaves the slot as it is, if other files have the memory in another way.
    #[inline]
    fn record(
        &self,
        entry: &mut LockedEntry<'_, '_>,
        plan: &Plan<'_>,
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
        let mut update = entry.update();
        if replace {
            update.replace_by_storage(plan.storage, plan.shared)?;
        }
        if dirty {
            update.mark_dirty();
        }
        if self.write && plan.shared {
            update.mark_towrite();
        }
        Ok(())
    }

    /// Maps the storage.
    #[inline]
    fn insert(&self, storage: Storage<'_>) -> FaultCode {
        let (pfn, pin) = (storage.pfn(), || DeviceFolio::of_storage(storage).pin());
        match S::ORDER {
            Order::Pte => self.vmf.insert_page(pfn, self.write, pin),
            Order::Pmd => self.vmf.insert_folio_pmd(pfn, self.write, pin),
        }
    }

    /// Has the filesystem sync the file before the memory is mapped.
    #[inline]
    fn hand_out(&self, storage: Storage<'_>) -> FaultCode {
        match self.report.sync_pfn {
            Some(place) => {
                place.set(storage.pfn().number());
                FaultCode::NEEDDSYNC
            }
            None => {
                warn_on_once!(true);
                FaultCode::SIGBUS
            }
        }
    }
}
