// SPDX-License-Identifier: GPL-2.0

//! The i_pages lock of a file, and how the array is read under it.

mod change;

pub(crate) use change::NotReplaced;

use super::{
    cursor::{
        is_place,
        not_node,
        Cursor,
        Mark,
        Present, //
    },
    mapping::DaxMapping,
};
use kernel::ffi::c_void;
use kernel_ext::{
    bindings,
    types::{
        Discharge,
        Duty, //
    },
    units::PageIndex, //
};

const CHUNK_MASK: usize = (1 << bindings::XA_CHUNK_SHIFT) - 1;

/// The i_pages lock of the cursor's file. It is released, and interrupts are enabled, when this is
/// dropped.
///
/// # Invariants
///
/// This task holds the lock and took it with [`lock_irq`]. So while this exists, a node that the
/// cursor points to is part of the array, and its offset is inside of the node's array of slots.
#[must_use = "the array is unlocked immediately when the guard is unused"]
pub(crate) struct Guard<'c, 'm>(Duty<Locked<'c, 'm>>);

struct Locked<'c, 'm>(&'c mut Cursor<'m>);

impl<'c, 'm> Locked<'c, 'm> {
    #[inline]
    fn unlock(self) -> &'c mut Cursor<'m> {
        // A state that is no place may stay: an error for `Cursor::allocate`, the end of a walk.
        // INVARIANT: The cursor leaves the tree before the lock is released.
        if is_place(self.0.xas.xa_node) {
            self.0.reset();
        }
        // SAFETY: By the type invariant of `Guard`, which has given this up, the lock is held.
        unsafe { unlock_irq(self.0.mapping) };
        self.0
    }
}

impl Discharge for Locked<'_, '_> {
    #[inline]
    fn discharge(self) {
        self.unlock();
    }
}

impl<'m> Cursor<'m> {
    /// Takes the i_pages lock and disables interrupts (`xas_lock_irq()`).
    #[inline]
    pub(crate) fn lock<'c>(&'c mut self) -> Guard<'c, 'm> {
        lock_irq(self.mapping);
        // INVARIANT: Just locked.
        Guard(Duty::new(Locked(self)))
    }
}

impl<'c, 'm> Guard<'c, 'm> {
    /// Releases the lock and gives the cursor back.
    #[inline]
    pub(crate) fn unlock(self) -> &'c mut Cursor<'m> {
        self.0.take_over().unlock()
    }

    #[inline]
    fn xas(&mut self) -> &mut bindings::xa_state {
        &mut self.0 .0.xas
    }

    /// The file.
    #[inline]
    pub(crate) fn mapping(&self) -> &'m DaxMapping {
        self.0 .0.mapping
    }

    /// Where the cursor is; see [`Cursor::index`].
    #[inline]
    pub(crate) fn index(&self) -> PageIndex {
        self.0 .0.index()
    }

    /// The binary logarithm of the number of pages that the cursor was made for.
    #[inline]
    pub(crate) fn order(&self) -> u32 {
        self.0 .0.order
    }

    /// Moves to `index` (`xas_set()`).
    #[inline]
    pub(crate) fn set_index(&mut self, index: PageIndex) {
        self.0 .0.set_index(index);
    }

    /// Starts again from the root (`xas_reset()`).
    #[inline]
    pub(crate) fn reset(&mut self) {
        self.0 .0.reset();
    }

    /// Walks to the index and returns its content (`xas_load()`).
    #[inline]
    pub(crate) fn load(&mut self) -> Option<Present> {
        // SAFETY: By the invariants of the cursor and the guard, the state is valid and the lock
        // held.
        let slot = unsafe { bindings::xas_load(self.xas()) };
        // SAFETY: The array is that of a DAX mapping, by the invariants of the cursor.
        unsafe { Present::from_raw(slot) }
    }

    /// The next entry in the range that the cursor was made for, be it larger or smaller than the
    /// range (`xas_find_conflict()`).
    #[inline]
    pub(crate) fn find_conflict(&mut self) -> Option<Present> {
        // SAFETY: By the invariants of the cursor and the guard, the state is valid and the lock
        // held.
        let slot = unsafe { bindings::xas_find_conflict(self.xas()) };
        // SAFETY: The array is that of a DAX mapping, by the invariants of the cursor.
        unsafe { Present::from_raw(slot) }
    }

    /// The next entry up to `last`: the one at the index if the walk has not begun, else the one
    /// after it (`xas_next_entry()`).
    ///
    /// C has the fast path inline too. It spares an fsync() of 16 neighbours 1500 instructions of
    /// 5400.
    #[inline]
    pub(crate) fn next(&mut self, last: PageIndex) -> Option<Present> {
        let xas = self.xas();
        let node = xas.xa_node;
        // SAFETY: A node of the cursor is part of the array, by the invariant of the guard.
        if !not_node(node) && unsafe { (*node).shift } == 0 {
            while xas.xa_index < last.0
                && usize::from(xas.xa_offset) < CHUNK_MASK
                && usize::from(xas.xa_offset) == xas.xa_index & CHUNK_MASK
            {
                // SAFETY:
                // - The node is part of the array, by the invariant of the guard.
                // - The slot after the offset exists, since the offset is less than the last one.
                let slot = unsafe {
                    (&raw const (*node).slots)
                        .cast::<*mut c_void>()
                        .add(usize::from(xas.xa_offset) + 1)
                        .read()
                };
                // An internal entry is for the general case.
                if slot.addr() & 3 == 2 {
                    break;
                }
                xas.xa_offset += 1;
                xas.xa_index += 1;
                if !slot.is_null() {
                    // SAFETY: The array is that of a DAX mapping, by the invariants of the cursor.
                    return unsafe { Present::from_raw(slot) };
                }
            }
        }
        // SAFETY: By the invariants of the cursor and the guard, the state is valid and the lock
        // held.
        let slot = unsafe { bindings::xas_find(xas, last.0) };
        // SAFETY: The array is that of a DAX mapping, by the invariants of the cursor.
        unsafe { Present::from_raw(slot) }
    }

    /// Like [`Guard::next`], of the entries that have the mark (`xas_next_marked()`).
    #[inline]
    pub(crate) fn next_marked(&mut self, last: PageIndex, mark: Mark) -> Option<Present> {
        // SAFETY:
        // - The array is part of the address space, which lives for `'m`.
        // - The lock is held, by the invariant of the guard, so that the flags do not change.
        let flags = unsafe { (*self.mapping().i_pages()).xa_flags };
        if flags & bindings::XA_FLAGS_MARK_0 << mark.0 == 0 {
            return None;
        }
        // SAFETY: By the invariants of the cursor and the guard, the state is valid and the lock
        // held.
        let slot = unsafe { bindings::xas_find_marked(self.xas(), last.0, mark.0) };
        // SAFETY: The array is that of a DAX mapping, by the invariants of the cursor.
        unsafe { Present::from_raw(slot) }
    }

    /// Whether the index after that of the cursor is next to it in the array too, and its entry has
    /// the mark. [`false`] may also mean that it is in another node.
    ///
    /// An fsync() of one page, which has no neighbour to take along, pays for this and nothing
    /// else: it spares 79 instructions of 890.
    #[inline]
    pub(crate) fn next_is_marked(&mut self, mark: Mark) -> bool {
        let xas = self.xas();
        let (node, offset) = (xas.xa_node, usize::from(xas.xa_offset));
        if not_node(node) || offset == CHUNK_MASK || offset != xas.xa_index & CHUNK_MASK {
            return false;
        }
        // SAFETY: A node of the cursor is part of the array, by the invariant of the guard.
        let (shift, marks) = unsafe {
            (
                (*node).shift,
                (*node).__bindgen_anon_2.marks[mark.0 as usize][0],
            )
        };
        shift == 0 && marks >> offset & 2 != 0
    }

    /// Whether the entry that the cursor has walked to has the mark (`xas_get_mark()`).
    #[inline]
    pub(crate) fn has_mark(&self, mark: Mark) -> bool {
        // SAFETY: By the invariants of the cursor and the guard, the state is valid and the lock
        // held.
        unsafe { bindings::xas_get_mark(&self.0 .0.xas, mark.0) }
    }

    /// Once in a while (every `XA_CHECK_SCHED` calls) lets others have the lock and the CPU.
    ///
    /// A walk goes on with the entry after the one that the cursor is at.
    #[inline]
    pub(crate) fn relax(&mut self) {
        self.relax_after(1);
    }

    /// Like [`Guard::relax`], after as much work as that many steps.
    #[inline]
    pub(crate) fn relax_after(&mut self, work: u32) {
        let steps = &mut self.0 .0.steps;
        *steps += work;
        if *steps >= bindings::XA_CHECK_SCHED {
            *steps = 0;
            self.pause();
        }
    }

    #[cold]
    fn pause(&mut self) {
        let mapping = self.mapping();
        // INVARIANT: `xas_pause()` leaves the tree before the lock is released.
        // SAFETY: By the invariants of the cursor and the guard, the state is valid and the lock
        // held.
        unsafe { bindings::xas_pause(self.xas()) };
        // SAFETY: The lock is held, by the invariant of the guard; it is taken again below, before
        // the guard can be used.
        unsafe { unlock_irq(mapping) };
        // SAFETY: This task may sleep: it has just released the only spinlock that it held. Its walk
        // began where the lock of an entry may be waited for, which is sleeping.
        unsafe { bindings::cond_resched() };
        // INVARIANT: Locked again.
        lock_irq(mapping);
    }
}

/// Takes the i_pages lock and disables interrupts.
///
/// Calls the function that `xa_lock_irq()` ends up in, because the C helper for that is a call on
/// top: with that for unlocking, 24 instructions of a read fault.
#[inline]
fn lock_irq(mapping: &DaxMapping) {
    #[cfg(all(CONFIG_SMP, not(CONFIG_PREEMPT_RT)))]
    // SAFETY:
    // - The array is part of the address space, to which there is a reference.
    // - A `spinlock_t` begins with its `raw_spinlock_t`.
    unsafe {
        bindings::_raw_spin_lock_irq((&raw mut (*mapping.i_pages()).xa_lock).cast())
    };
    #[cfg(not(all(CONFIG_SMP, not(CONFIG_PREEMPT_RT))))]
    // SAFETY: The array is part of the address space, to which there is a reference.
    unsafe {
        bindings::xa_lock_irq(mapping.i_pages())
    };
}

/// Releases the i_pages lock and enables interrupts. As [`lock_irq`], this calls the function that
/// `xa_unlock_irq()` ends up in, unless the kernel inlines it.
///
/// # Safety
///
/// This task must hold the lock, which [`lock_irq`] took.
#[inline]
unsafe fn unlock_irq(mapping: &DaxMapping) {
    #[cfg(all(CONFIG_SMP, not(CONFIG_PREEMPT_RT), not(CONFIG_INLINE_SPIN_UNLOCK_IRQ)))]
    // SAFETY:
    // - The array is part of the address space, to which there is a reference.
    // - A `spinlock_t` begins with its `raw_spinlock_t`.
    // - The caller holds the lock.
    unsafe {
        bindings::_raw_spin_unlock_irq((&raw mut (*mapping.i_pages()).xa_lock).cast())
    };
    #[cfg(not(all(CONFIG_SMP, not(CONFIG_PREEMPT_RT), not(CONFIG_INLINE_SPIN_UNLOCK_IRQ))))]
    // SAFETY:
    // - The array is part of the address space, to which there is a reference.
    // - The caller holds the lock.
    unsafe {
        bindings::xa_unlock_irq(mapping.i_pages())
    };
}
