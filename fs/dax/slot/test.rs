// SPDX-License-Identifier: GPL-2.0

//! Tests over the real array of pages, with entries of both orders.
//!
//! The protocol as such is explored by a model checker (`tools/testing/nvdimm/loom`).

use kernel::prelude::*;

mod file;

#[kunit_tests(rust_fs_dax_slot)]
mod tests {
    use super::{
        file::{
            entry,
            zeros,
            File,
            PAUSE, //
        },
        *,
    };
    use crate::{
        memory::Memory,
        slot::{
            grab,
            GrabError,
            LockedEntry,
            Lookup,
            Peek, //
        },
        sys::{
            entry::{
                Entry,
                Kind,
                Order, //
            },
            folio::References,
            guard::NotReplaced,
            mapping::DaxMapping,
        },
    };
    use kernel::{
        sync::{
            atomic::{
                Acquire,
                Atomic,
                Release, //
            },
            Arc,
            Completion, //
        },
        time::{
            delay::fsleep,
            Delta, //
        },
        workqueue::{
            self,
            impl_has_work,
            new_work,
            Work,
            WorkItem, //
        },
    };
    use kernel_ext::units::{
        PageIndex,
        Pfn, //
    };

    const STORAGE: Kind = Kind::Mapped(Pfn::new(0x1_0000));
    const HOLE: Kind = Kind::Zero(Pfn::new(0x200));

    fn made_locked_and_unlocked(index: usize) -> Result {
        let file = File::new()?;
        let mut slot = file.slot(index, Order::Pte);
        let locked = grab(&mut slot, Order::Pte).map_err(|_| EINVAL)?;
        assert_eq!(locked.entry(), Entry::empty(Order::Pte));
        assert_eq!(locked.index(), PageIndex(index));
        assert_eq!(file.nrpages(), 1);
        assert!(matches!(
            file.slot(index, Order::Pte).lock().peek(),
            Ok(Peek::Busy(_))
        ));
        drop(locked);
        assert!(matches!(
            file.slot(index, Order::Pte).lock().peek(),
            Ok(Peek::Found(_))
        ));
        assert!(file.slot(index + 1, Order::Pte).lock().peek().is_err());
        assert!(file.discard(index));
        assert_eq!(file.nrpages(), 0);
        assert!(file.mapping().is_empty());
        Ok(())
    }

    #[test]
    fn entry_is_made_locked_and_unlocked() -> Result {
        made_locked_and_unlocked(700)
    }

    #[test]
    fn only_entry_is_made_locked_and_unlocked() -> Result {
        // Such an array has no node: the entry is its root.
        made_locked_and_unlocked(0)
    }

    #[test]
    fn small_entries_are_in_the_way() -> Result {
        let file = File::new()?;
        assert!(file.insert(1023, Order::Pte, STORAGE, false));
        assert_eq!(
            grab(&mut file.slot(512, Order::Pmd), Order::Pmd).err(),
            Some(GrabError::Fallback)
        );
        assert!(file.insert(1024, Order::Pmd, STORAGE, false));
        assert_eq!(file.nrpages(), 513);
        Ok(())
    }

    /// The entry that a small slot gets where there is a large entry of this kind.
    fn grab_within(kind: Kind) -> Result<(Entry, usize)> {
        let file = File::new()?;
        if !file.insert(512, Order::Pmd, kind, false) {
            return Err(EINVAL);
        }
        let mut slot = file.slot(600, Order::Pte);
        let locked = grab(&mut slot, Order::Pte).map_err(|_| EINVAL)?;
        let entry = locked.entry();
        drop(locked);
        Ok((entry, file.nrpages()))
    }

    #[test]
    fn holes_make_room_and_storage_does_not() -> Result {
        let small = (Entry::empty(Order::Pte), 1);
        assert_eq!(grab_within(Kind::Empty)?, small);
        assert_eq!(grab_within(HOLE)?, small);
        assert_eq!(grab_within(STORAGE)?, (entry(Order::Pmd, STORAGE), 512));
        Ok(())
    }

    /// A replacement has as many pages as the entry, and a hole does not take the place of storage.
    #[test]
    fn some_entries_are_not_replaced() -> Result {
        let file = File::new()?;
        let mut slot = file.slot(3, Order::Pte);
        let mut locked = grab(&mut slot, Order::Pte).map_err(|_| EINVAL)?;
        let other = Err(NotReplaced::OtherEntry);
        assert_eq!(locked.update().replace_by_zeros(zeros(Order::Pmd)), other);
        assert_eq!(locked.entry(), Entry::empty(Order::Pte));
        assert_eq!(locked.update().replace_by_zeros(zeros(Order::Pte)), Ok(()));
        assert_eq!(locked.entry(), Entry::zeros(zeros(Order::Pte)));
        drop(locked);

        assert!(file.insert(4, Order::Pte, STORAGE, false));
        let mut slot = file.slot(4, Order::Pte);
        let mut locked = grab(&mut slot, Order::Pte).map_err(|_| EINVAL)?;
        assert_eq!(locked.update().replace_by_zeros(zeros(Order::Pte)), other);
        assert_eq!(locked.entry(), entry(Order::Pte, STORAGE));
        Ok(())
    }

    #[test]
    fn a_page_cache_has_no_slots() -> Result {
        // The inode has no `S_DAX`.
        assert!(DaxMapping::of(File::new()?.mapping()).is_none());
        Ok(())
    }

    /// The lock, the tags and the end of a large entry are the same on all of its pages.
    #[test]
    fn large_entry_is_one() -> Result {
        let file = File::new()?;
        assert!(file.insert(1024, Order::Pmd, STORAGE, false));
        let mut slot = file.slot(1500, Order::Pte);
        let mut locked = grab(&mut slot, Order::Pte).map_err(|_| EINVAL)?;
        assert_eq!(locked.index(), PageIndex(1024));
        locked.update().mark_dirty();
        for index in [1024, 1499, 1500, 1535] {
            assert!(matches!(
                file.slot(index, Order::Pte).lock().peek(),
                Ok(Peek::Busy(_))
            ));
        }
        drop(locked);

        match file.slot(1100, Order::Pte).lock().lookup() {
            Lookup::Found(found) => assert!(found.is_dirty()),
            _ => return Err(EINVAL),
        }
        // A writeback of a range that begins within the entry.
        file.mapping()
            .tag_for_writeback(PageIndex(1300), PageIndex(1301));
        assert_eq!(*file.walk(1301, true, false)?, [1024]);

        assert!(file.discard(1400));
        assert_eq!(file.nrpages(), 0);
        assert!(file.mapping().is_empty());
        Ok(())
    }

    const INDICES: [(usize, Order); 7] = [
        (0, Order::Pte),
        (1, Order::Pte),
        (63, Order::Pte),
        (64, Order::Pte),
        (512, Order::Pmd),
        (1024, Order::Pte),
        (5 << 18, Order::Pmd),
    ];

    #[test]
    fn walks_find_everything_once() -> Result {
        let file = File::new()?;
        for (at, (index, order)) in INDICES.into_iter().enumerate() {
            assert!(file.insert(index, order, STORAGE, at % 2 == 0));
        }
        let all = INDICES.map(|(index, _)| index);
        let dirty = [0, 63, 512, 5 << 18];
        for pause in [false, true] {
            assert_eq!(*file.walk(usize::MAX, false, pause)?, all);
            assert_eq!(*file.walk(1023, false, pause)?, all[..5]);
            assert_eq!(*file.walk(511, false, pause)?, all[..4]);
            assert_eq!(*file.walk(usize::MAX, true, pause)?, []);
        }
        file.mapping()
            .tag_for_writeback(PageIndex(1), PageIndex::MAX);
        for pause in [false, true] {
            assert_eq!(*file.walk(usize::MAX, true, pause)?, dirty[1..]);
        }
        Ok(())
    }

    /// The array shrinks under a walk that removes the entries.
    #[test]
    fn walks_may_remove() -> Result {
        for pause in [0, PAUSE] {
            let file = File::new()?;
            for (index, order) in INDICES {
                assert!(file.insert(index, order, STORAGE, true));
            }
            let mut memory = Memory::of_unknown_device();
            let mut slot = file.slot(0, Order::Pte);
            let mut lock = slot.lock();
            let mut removed = 0;
            while let Some(entry) = lock.next(PageIndex::MAX) {
                let entry = match entry.remove_if_clean(&mut memory) {
                    Ok(_) => return Err(EINVAL),
                    Err(dirty) => dirty,
                };
                lock = if removed % 2 == 0 {
                    entry.discard(&mut memory)
                } else {
                    entry
                        .unmap()
                        .flush(&mut memory)
                        .remove(References::None, &mut memory)
                };
                lock.relax_after(pause);
                removed += 1;
            }
            assert_eq!(removed, INDICES.len());
            assert_eq!(file.nrpages(), 0);
            assert!(file.mapping().is_empty());
        }
        Ok(())
    }

    #[test]
    fn flushed_entries_become_clean() -> Result {
        let file = File::new()?;
        assert!(file.insert(512, Order::Pmd, STORAGE, true));
        file.mapping()
            .tag_for_writeback(PageIndex::ZERO, PageIndex::MAX);
        let mut slot = file.slot(700, Order::Pte);
        let entry = slot.lock().next_towrite(PageIndex(700)).ok_or(EINVAL)?;
        drop(entry.unmap());
        assert_eq!(*file.walk(700, true, false)?, [512]);

        let entry = slot.lock().next_towrite(PageIndex(700)).ok_or(EINVAL)?;
        assert!(core::ptr::eq(entry.mapping(), file.mapping()));
        let run = entry.lock_neighbours(PageIndex(700), 512);
        assert_eq!((run.index, run.len, run.pages()), (PageIndex(512), 1, 512));
        let lock = run.take_over().clean();
        assert!(lock.next_towrite(PageIndex::MAX).is_none());
        match file.slot(600, Order::Pte).lock().lookup() {
            Lookup::Found(found) => assert!(!found.is_dirty()),
            _ => return Err(EINVAL),
        }
        Ok(())
    }

    /// Pages 60 to 69 are dirty, without 66; 63 and 64 are in different nodes, 68 is elsewhere in
    /// memory.
    #[test]
    fn runs_end_where_something_differs() -> Result {
        let file = File::new()?;
        for index in (60..70).filter(|index| *index != 66) {
            let pfn = 0x1000 + index + if index == 68 { 1 } else { 0 };
            assert!(file.insert(index, Order::Pte, Kind::Mapped(Pfn::new(pfn)), true));
        }
        file.mapping()
            .tag_for_writeback(PageIndex::ZERO, PageIndex::MAX);
        for (index, len) in [(60, 4), (64, 2), (67, 1), (68, 1), (69, 1)] {
            let mut slot = file.slot(0, Order::Pte);
            let entry = slot.lock().next_towrite(PageIndex::MAX).ok_or(EINVAL)?;
            let run = entry.lock_neighbours(PageIndex::MAX, 64);
            assert_eq!((run.index, run.len), (PageIndex(index), len));
            drop(run.take_over().clean());
        }
        assert_eq!(*file.walk(100, true, false)?, [0_usize; 0]);
        file.mapping()
            .tag_for_writeback(PageIndex::ZERO, PageIndex::MAX);
        let mut slot = file.slot(0, Order::Pte);
        assert!(slot.lock().next_towrite(PageIndex::MAX).is_none());
        Ok(())
    }

    /// A run that is given up unlocks its entries, and they stay dirty; it has no more than it may.
    #[test]
    fn runs_are_limited() -> Result {
        let file = File::new()?;
        for index in 0..8 {
            let storage = Kind::Mapped(Pfn::new(0x1000 + index));
            assert!(file.insert(index, Order::Pte, storage, true));
        }
        file.mapping()
            .tag_for_writeback(PageIndex::ZERO, PageIndex::MAX);
        for (last, limit, len) in [(usize::MAX, 3, 3), (4, 64, 5), (0, 64, 1), (7, 8, 8)] {
            let mut slot = file.slot(0, Order::Pte);
            let entry = slot.lock().next_towrite(PageIndex::MAX).ok_or(EINVAL)?;
            assert_eq!(entry.lock_neighbours(PageIndex(last), limit).len, len);
        }
        assert_eq!(file.walk(100, true, false)?.len(), 8);
        Ok(())
    }

    /// Another task, and the file that it uses.
    #[pin_data]
    struct Other {
        file: File,
        wait: fn(&File),
        got: Atomic<bool>,
        #[pin]
        done: Completion,
        #[pin]
        work: Work<Other>,
    }

    impl_has_work! {
        impl HasWork<Self> for Other { self.work }
    }

    impl WorkItem for Other {
        type Pointer = Arc<Self>;

        fn run(this: Arc<Self>) {
            (this.wait)(&this.file);
            this.got.store(true, Release);
            this.done.complete_all();
        }
    }

    /// Runs `wait` in another task while an entry that covers page 5 is locked, then has `finish`
    /// end that. The other task must wait until then, and no longer.
    fn waits(order: Order, wait: fn(&File), finish: fn(LockedEntry<'_, '_>)) -> Result {
        let other = Arc::pin_init(
            try_pin_init!(Other {
                file: File::new()?,
                wait,
                got: Atomic::new(false),
                done <- Completion::new(),
                work <- new_work!("rust_fs_dax_slot::Other::work"),
            }? Error),
            GFP_KERNEL,
        )?;
        let mut slot = other.file.slot(5, order);
        let locked = grab(&mut slot, order).map_err(|_| EINVAL)?;

        // Not `try_spawn()`, whose work items have several names for one lock class: lockdep warns.
        workqueue::system_long()
            .enqueue(other.clone())
            .map_err(|_| EBUSY)?;
        fsleep(Delta::from_millis(100));
        let early = other.got.load(Acquire);
        finish(locked);
        other.done.wait_for_completion();
        assert!(!early);
        Ok(())
    }

    fn unlock(locked: LockedEntry<'_, '_>) {
        drop(locked);
    }

    #[test]
    fn faults_wait() -> Result {
        let wait = |file: &File| drop(grab(&mut file.slot(5, Order::Pte), Order::Pte));
        waits(Order::Pte, wait, unlock)?;
        waits(Order::Pmd, wait, unlock)
    }

    #[test]
    fn walks_wait() -> Result {
        let wait = |file: &File| drop(file.walk(usize::MAX, false, false));
        waits(Order::Pte, wait, unlock)?;
        waits(Order::Pmd, wait, unlock)
    }

    #[test]
    fn removal_ends_waiting() -> Result {
        let finish = |locked: LockedEntry<'_, '_>| {
            let mut memory = Memory::of_unknown_device();
            drop(
                locked
                    .unmap()
                    .flush(&mut memory)
                    .remove(References::None, &mut memory),
            );
        };
        waits(
            Order::Pmd,
            |file| {
                file.discard(9);
            },
            finish,
        )?;
        waits(Order::Pte, |file| drop(file.walk(9, false, false)), finish)
    }

    #[test]
    fn memory_failure_waits() -> Result {
        let wait = |file: &File| {
            if let Ok(Peek::Busy(busy)) = file.slot(5, Order::Pte).lock().peek() {
                busy.wait_and_release(|| ());
            }
        };
        waits(Order::Pte, wait, unlock)
    }
}
