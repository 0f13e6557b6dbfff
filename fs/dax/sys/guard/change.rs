// SPDX-License-Identifier: GPL-2.0

//! How the array is changed under its lock.
//!
//! An entry that is storage counts as a user of its folio from the moment that it is in the array
//! until it is not. So what puts it there ([`Guard::replace_by_storage`]) and what takes it away
//! also tells the folio, under the same lock.

use super::Guard;
use crate::{
    memory::Memory,
    sys::{
        cursor::{
            is_place,
            Mark,
            Present, //
        },
        entry::{
            Entry,
            Order,
            Storage,
            Zeros, //
        },
        folio::{
            DeviceFolio,
            References, //
        },
        lock::EntryLock,
    },
};
use core::ptr;
use kernel::ffi::c_void;
use kernel_ext::{
    bindings,
    xarray::Value, //
};

/// Why an entry was not replaced. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotReplaced {
    /// The array has another entry at the cursor, or one that covers another number of pages.
    OtherEntry,
    /// Other files have some of the memory, but not as one folio.
    InUse,
}

impl Guard<'_, '_> {
    /// The slot of the array that the cursor has walked to. Walks there if it has not.
    ///
    /// [`None`] if the array does not reach so far.
    #[inline]
    fn slot(&mut self) -> Option<*mut *mut c_void> {
        if !is_place(self.xas().xa_node) {
            self.load();
        }
        let xas = self.xas();
        let node = xas.xa_node;
        if !is_place(node) {
            return None;
        }
        Some(if node.is_null() {
            // SAFETY: The array is part of the address space, by the invariants of the cursor.
            unsafe { &raw mut (*xas.xa).xa_head }
        } else {
            // SAFETY:
            // - The node is part of the array, by the invariant of the guard.
            // - The offset is inside of its array of slots, by the same invariant.
            unsafe {
                (&raw mut (*node).slots)
                    .cast::<*mut c_void>()
                    .add(usize::from(xas.xa_offset))
            }
        })
    }

    /// The slot that the cursor has walked to, if its content is `value`.
    #[inline]
    fn slot_with(&mut self, value: Value) -> Option<*mut *mut c_void> {
        let slot = self.slot()?;
        // SAFETY:
        // - The slot is valid while the lock is held.
        // - Only a task that holds the lock writes to it.
        (unsafe { slot.read() }.addr() == value.bits()).then_some(slot)
    }

    /// Writes `new` to the slot, if its content is `old`. Returns whether it was.
    ///
    /// The size and the marks of an entry stay, so this does without what `xas_store()` does beyond
    /// the walk: 164 instructions each time that a fault locks or unlocks its entry.
    #[inline]
    fn exchange(&mut self, old: Value, new: Value) -> bool {
        let Some(slot) = self.slot_with(old) else {
            return false;
        };
        // SAFETY: `slot_with()` has found the slot under the lock, which is still held.
        unsafe { write(slot, new) };
        true
    }

    /// Sets the lock bit of `entry`, to which the cursor has walked and which is unlocked.
    ///
    /// If the array has another entry there, which is a bug of the caller, it does not change.
    #[inline]
    pub(crate) fn lock_entry(&mut self, entry: Entry) -> EntryLock {
        let set = self.exchange(entry.unlocked(), entry.locked());
        debug_assert!(set);
        EntryLock::new(entry)
    }

    /// Clears the lock bit of the entry at the cursor, of which the caller has the lock.
    #[inline]
    pub(crate) fn unlock_entry(&mut self, lock: EntryLock) {
        let entry = lock.keep();
        let cleared = self.exchange(entry.locked(), entry.unlocked());
        debug_assert!(cleared);
    }

    /// Clears the lock bit of the entry to which the cursor has walked, and which the caller has
    /// locked.
    #[inline]
    pub(crate) fn unlock_present(&mut self) {
        let Some(slot) = self.slot() else {
            return;
        };
        // SAFETY:
        // - The slot is valid while the lock is held.
        // - Only a task that holds the lock writes to it.
        // - It is one of the array of a DAX mapping, by the invariants of the cursor.
        let present = unsafe { Present::from_raw(slot.read()) };
        debug_assert!(matches!(present, Some(Present::Locked(_))));
        if let Some(Present::Locked(entry)) = present {
            // SAFETY: `slot()` has found the slot under the lock, which is still held.
            unsafe { write(slot, entry.unlocked()) };
        }
    }

    /// Puts a placeholder of `order`, which is the cursor's, into the array, locked.
    ///
    /// [`None`] if the array would have to grow and there is no memory at hand:
    /// [`Cursor::allocate`](crate::sys::cursor::Cursor::allocate) is for that. There must not be an
    /// entry.
    #[inline]
    pub(crate) fn store_placeholder(&mut self, order: Order) -> Option<EntryLock> {
        let empty = Entry::empty(order);
        let value = ptr::without_provenance_mut(empty.locked().bits());
        // SAFETY:
        // - By the invariants of the cursor and the guard, the state is valid and the lock held.
        // - A value refers to nothing.
        unsafe { bindings::xas_store(self.xas(), value) };
        if self.0 .0.error().is_some() {
            return None;
        }
        Some(EntryLock::new(empty))
    }

    /// Puts `storage` in the place of the entry at the cursor, of which the caller has the lock. It
    /// stays locked, and keeps its tags. The folio of the old entry is given up, that of the new
    /// one taken.
    ///
    /// `shared` says that the filesystem lets several files have the memory. If the old entry has
    /// more than one page, they must not be in use.
    #[inline]
    pub(crate) fn replace_by_storage(
        &mut self,
        lock: &mut EntryLock,
        storage: Storage<'_>,
        shared: bool,
    ) -> Result<(), NotReplaced> {
        let (old, new) = (lock.entry(), Entry::mapped(storage));
        let slot = self.replaceable(old, new)?;
        let index = new.order().start(self.index());
        // SAFETY:
        // - The lock of the mapping's `i_pages` is held, by the invariant of the guard.
        // - The entry is stored below, before the lock is released.
        // - `Guard::remove()` and this function, which alone take entries out of the array, tell
        //   the folio.
        unsafe { DeviceFolio::associate(storage, index, shared, self.mapping()) }
            .map_err(|_| NotReplaced::InUse)?;
        // SAFETY: `slot_with()` has found the slot under the lock, which is still held.
        unsafe { write(slot, new.locked()) };
        *lock = EntryLock::new(new);
        if old.is_mapped() {
            self.give_up(old, References::ToOnePage, &mut Memory::of_unknown_device());
        }
        Ok(())
    }

    /// Puts a hole in the place of the entry at the cursor, of which the caller has the lock, and
    /// which is no storage. It stays locked, and keeps its tags.
    #[inline]
    pub(crate) fn replace_by_zeros(
        &mut self,
        lock: &mut EntryLock,
        zeros: Zeros,
    ) -> Result<(), NotReplaced> {
        let (old, new) = (lock.entry(), Entry::zeros(zeros));
        if old.is_mapped() {
            return Err(NotReplaced::OtherEntry);
        }
        let slot = self.replaceable(old, new)?;
        // SAFETY: `slot_with()` has found the slot under the lock, which is still held.
        unsafe { write(slot, new.locked()) };
        *lock = EntryLock::new(new);
        Ok(())
    }

    /// Puts `new` in the place of the entry at the cursor, of which the caller has the lock, and
    /// tells no folio: for tests, whose entries have no memory. It stays locked. Returns whether it
    /// was replaced.
    ///
    /// # Safety
    ///
    /// If `new` is storage, no driver may have mapped its memory while it is in the array.
    #[cfg(CONFIG_KUNIT = "y")]
    pub(crate) unsafe fn plant(&mut self, lock: &mut EntryLock, new: Entry) -> bool {
        let Ok(slot) = self.replaceable(lock.entry(), new) else {
            return false;
        };
        // SAFETY: `slot_with()` has found the slot under the lock, which is still held.
        unsafe { write(slot, new.locked()) };
        *lock = EntryLock::new(new);
        true
    }

    /// The slot of `old`, which is locked, if `new` covers as many pages.
    #[inline]
    fn replaceable(&mut self, old: Entry, new: Entry) -> Result<*mut *mut c_void, NotReplaced> {
        if new.order() != old.order() {
            return Err(NotReplaced::OtherEntry);
        }
        self.slot_with(old.locked()).ok_or(NotReplaced::OtherEntry)
    }

    /// Removes the entry at the cursor, and gives its folio up if the memory is still there.
    /// Returns the entry.
    ///
    /// With [`References::None`] there must be no reference to one of the pages.
    #[inline]
    pub(crate) fn remove(
        &mut self,
        references: References,
        memory: &mut Memory<'_>,
    ) -> Option<Entry> {
        // SAFETY:
        // - By the invariants of the cursor and the guard, the state is valid and the lock held.
        // - The array need not grow to store NULL.
        let old = unsafe { bindings::xas_store(self.xas(), ptr::null_mut()) };
        // SAFETY: The array is that of a DAX mapping, by the invariants of the cursor.
        let old = unsafe { Present::from_raw(old) };
        let (Present::Unlocked(entry) | Present::Locked(entry)) = old? else {
            return None;
        };
        self.give_up(entry, references, memory);
        Some(entry)
    }

    /// Tells the folio of `entry` that the array has it no longer.
    fn give_up(&self, entry: Entry, references: References, memory: &mut Memory<'_>) {
        // A driver that was unbound has taken the `struct page`s with it.
        let Some(frames) = memory.frames_of(entry) else {
            return;
        };
        // SAFETY:
        // - The lock of the mapping's `i_pages` is held, by the invariant of the guard.
        // - The array had the entry, so `replace_by_storage()` associated it; the callers have
        //   taken it out of the array under the same lock.
        unsafe { DeviceFolio::disassociate(frames, references) };
    }

    /// Sets a mark on the entry that the cursor has walked to (`xas_set_mark()`).
    #[inline]
    pub(crate) fn set_mark(&mut self, mark: Mark) {
        // SAFETY: By the invariants of the cursor and the guard, the state is valid and the lock
        // held.
        unsafe { bindings::xas_set_mark(self.xas(), mark.0) };
    }

    /// Takes a mark from the entry that the cursor has walked to (`xas_clear_mark()`).
    #[inline]
    pub(crate) fn clear_mark(&mut self, mark: Mark) {
        // SAFETY: By the invariants of the cursor and the guard, the state is valid and the lock
        // held.
        unsafe { bindings::xas_clear_mark(self.xas(), mark.0) };
    }

    /// Counts `pages` more pages of the file (`nrpages`).
    #[inline]
    pub(crate) fn add_pages(&mut self, pages: usize) {
        // SAFETY:
        // - The address space is valid while there is a reference to it.
        // - The i_pages lock, which is held, protects the count.
        unsafe { (*self.mapping().as_raw()).nrpages += pages };
    }

    /// Counts `pages` fewer pages of the file.
    #[inline]
    pub(crate) fn sub_pages(&mut self, pages: usize) {
        // SAFETY:
        // - The address space is valid while there is a reference to it.
        // - The i_pages lock, which is held, protects the count.
        let nrpages = unsafe { &mut (*self.mapping().as_raw()).nrpages };
        // As C does: a count that is wrong is no reason to panic.
        *nrpages = nrpages.wrapping_sub(pages);
    }
}

/// Stores `value` in a slot. Others read it at any time, under RCU.
///
/// # Safety
///
/// `slot` must be a slot of an array whose lock this task holds.
#[inline]
unsafe fn write(slot: *mut *mut c_void, value: Value) {
    // ORDERING: A value refers to nothing that would have to be written before it.
    // SAFETY: The caller holds the lock, so that the slot is valid and has no other writer.
    unsafe { slot.write_volatile(ptr::without_provenance_mut(value.bits())) };
}
