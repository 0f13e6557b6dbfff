// SPDX-License-Identifier: GPL-2.0

//! The lock of an array, and what can be done to the array under it.

use super::{
    is_place,
    not_node,
    Cursor,
    Mark,
    Present,
    Value, //
};
use crate::{
    bindings,
    fs::mapping::AddressSpace,
    types::{
        Discharge,
        Duty, //
    },
    units::PageIndex, //
};
use core::ptr;

const CHUNK_MASK: usize = (1 << bindings::XA_CHUNK_SHIFT) - 1;

/// The lock of an array is held, interrupts are off, and the cursor is a place in it.
#[must_use = "the array is unlocked immediately when the guard is unused"]
pub struct Guard<'c, 'm>(Duty<Locked<'c, 'm>>);

struct Locked<'c, 'm>(&'c mut Cursor<'m>);

impl Discharge for Locked<'_, '_> {
    #[inline]
    fn discharge(self) {
        // What is not a place may stay: an error for `Cursor::allocate`, the end of a walk.
        if is_place(self.0.xas.xa_node) {
            self.0.reset();
        }
        // SAFETY: By the type invariant of `Guard` the lock is held; the guard ends here.
        unsafe { unlock_irq(self.0.mapping) };
    }
}

impl<'c, 'm> Guard<'c, 'm> {
    #[inline]
    pub(super) fn lock(cursor: &'c mut Cursor<'m>) -> Self {
        lock_irq(cursor.mapping);
        Self(Duty::new(Locked(cursor)))
    }

    /// Unlocks the array and gives the cursor back.
    #[inline]
    pub fn unlock(self) -> &'c mut Cursor<'m> {
        let cursor = self.0.take_over().0;
        // INVARIANT: As in `Locked::discharge`.
        if is_place(cursor.xas.xa_node) {
            cursor.reset();
        }
        // SAFETY: As in `Locked::discharge`.
        unsafe { unlock_irq(cursor.mapping) };
        cursor
    }

    #[inline]
    fn xas(&mut self) -> &mut bindings::xa_state {
        &mut self.0 .0.xas
    }

    /// The address space whose pages these are.
    #[inline]
    pub fn mapping(&self) -> &'m AddressSpace {
        self.0 .0.mapping
    }

    /// Where the cursor is; see [`Cursor::index`].
    #[inline]
    pub fn index(&self) -> PageIndex {
        self.0 .0.index()
    }

    /// What the cursor was made for; see [`Cursor::order`].
    #[inline]
    pub fn order(&self) -> u32 {
        self.0 .0.order
    }

    /// Moves to `index`; see [`Cursor::set_index`].
    #[inline]
    pub fn set_index(&mut self, index: PageIndex) {
        self.0 .0.set_index(index);
    }

    /// Starts again from the root; see [`Cursor::reset`].
    #[inline]
    pub fn reset(&mut self) {
        self.0 .0.reset();
    }

    /// Walks to the index and returns what is there (`xas_load()`).
    #[inline]
    pub fn load(&mut self) -> Option<Present> {
        // SAFETY: The cursor is valid by its invariants, and the lock is held.
        Present::from_raw(unsafe { bindings::xas_load(self.xas()) })
    }

    /// The next entry in the range that the cursor was made for, be it larger or smaller than the
    /// range (`xas_find_conflict()`).
    #[inline]
    pub fn find_conflict(&mut self) -> Option<Present> {
        // SAFETY: The cursor is valid by its invariants, and the lock is held.
        Present::from_raw(unsafe { bindings::xas_find_conflict(self.xas()) })
    }

    /// The next entry up to `last`: the one at the index if the walk has not begun, else the one
    /// after it (`xas_next_entry()`).
    #[inline]
    pub fn next(&mut self, last: PageIndex) -> Option<Present> {
        let xas = self.xas();
        let node = xas.xa_node;
        // SAFETY: By the invariants of the cursor a node is valid while the lock is held.
        if !not_node(node) && unsafe { (*node).shift } == 0 {
            while xas.xa_index < last.0
                && usize::from(xas.xa_offset) < CHUNK_MASK
                && usize::from(xas.xa_offset) == xas.xa_index & CHUNK_MASK
            {
                // SAFETY: As above; the offset is inside of the array of slots.
                let entry = unsafe {
                    (&raw const (*node).slots)
                        .cast::<*mut kernel::ffi::c_void>()
                        .add(usize::from(xas.xa_offset) + 1)
                        .read()
                };
                // An internal entry is for the general case.
                if entry.addr() & 3 == 2 {
                    break;
                }
                xas.xa_offset += 1;
                xas.xa_index += 1;
                if !entry.is_null() {
                    return Present::from_raw(entry);
                }
            }
        }
        // SAFETY: The cursor is valid by its invariants, and the lock is held.
        Present::from_raw(unsafe { bindings::xas_find(xas, last.0) })
    }

    /// Whether the index after that of the cursor is next to it in the array too, and what is there
    /// has the mark. Cheap; [`false`] means little.
    #[inline]
    pub fn next_is_marked(&mut self, mark: Mark) -> bool {
        let xas = self.xas();
        let (node, offset) = (xas.xa_node, usize::from(xas.xa_offset));
        if not_node(node) || offset == CHUNK_MASK || offset != xas.xa_index & CHUNK_MASK {
            return false;
        }
        // SAFETY: By the invariants of the cursor a node is valid while the lock is held.
        let (shift, marks) = unsafe {
            (
                (*node).shift,
                (*node).__bindgen_anon_2.marks[mark.0 as usize][0],
            )
        };
        shift == 0 && marks >> offset & 2 != 0
    }

    /// Like [`Guard::next`], of the entries that have the mark (`xas_next_marked()`).
    #[inline]
    pub fn next_marked(&mut self, last: PageIndex, mark: Mark) -> Option<Present> {
        // SAFETY: The mapping is valid by its type invariants, and the lock is held.
        let flags = unsafe { (*self.mapping().i_pages()).xa_flags };
        if flags & bindings::XA_FLAGS_MARK_0 << mark.0 == 0 {
            return None;
        }
        // SAFETY: The cursor is valid by its invariants, and the lock is held.
        Present::from_raw(unsafe { bindings::xas_find_marked(self.xas(), last.0, mark.0) })
    }

    /// Puts `value` in the place of what is at the index, or removes what is there (`xas_store()`).
    ///
    /// Returns what was there. It fails, which [`Cursor::error`] tells, only if the array has to
    /// grow; a failure makes the operations that follow do nothing.
    #[inline]
    pub fn store(&mut self, value: Option<Value>) -> Option<Present> {
        let entry = ptr::without_provenance_mut(value.map_or(0, Value::bits));
        // SAFETY: The cursor is valid by its invariants, and the lock is held; a value entry or
        // NULL may be stored in any array.
        Present::from_raw(unsafe { bindings::xas_store(self.xas(), entry) })
    }

    /// Puts `value` in the place of the value that is at the index, which keeps its size and its
    /// marks. Returns what was there; changes nothing if that is no value.
    ///
    /// The array is as large as before, so this does without most of what [`Guard::store`] does:
    /// nothing if the cursor has walked to the index, else the walk.
    #[inline]
    pub fn replace(&mut self, value: Value) -> Option<Present> {
        if !is_place(self.xas().xa_node) {
            self.load();
        }
        let xas = self.xas();
        let node = xas.xa_node;
        if !is_place(node) {
            // Behind the end of the array.
            return None;
        }
        let slot = if node.is_null() {
            // SAFETY: The array is valid by the invariants of the cursor.
            unsafe { &raw mut (*xas.xa).xa_head }
        } else {
            // SAFETY: By the invariants of the cursor a node is valid while the lock is held, and
            // the offset is inside of its array of slots.
            unsafe {
                (&raw mut (*node).slots)
                    .cast::<*mut kernel::ffi::c_void>()
                    .add(usize::from(xas.xa_offset))
            }
        };
        // SAFETY: The slot is valid as above; only who holds the lock writes to it.
        let old = Present::from_raw(unsafe { slot.read() });
        if let Some(Present::Value(_)) = old {
            // SAFETY: As above. Others read the slot at any time, under RCU; a number refers to
            // nothing that would have to be written before it.
            unsafe { slot.write_volatile(ptr::without_provenance_mut(value.bits())) };
        }
        old
    }

    /// Whether the last store has failed.
    #[inline]
    pub fn failed(&self) -> bool {
        self.0 .0.error().is_some()
    }

    /// Whether the entry that the cursor has walked to has the mark.
    #[inline]
    pub fn has_mark(&self, mark: Mark) -> bool {
        // SAFETY: The cursor is valid by its invariants, and the lock is held.
        unsafe { bindings::xas_get_mark(&self.0 .0.xas, mark.0) }
    }

    /// Marks the entry that the cursor has walked to.
    #[inline]
    pub fn set_mark(&mut self, mark: Mark) {
        // SAFETY: The cursor is valid by its invariants, and the lock is held.
        unsafe { bindings::xas_set_mark(self.xas(), mark.0) };
    }

    /// Takes the mark from the entry that the cursor has walked to.
    #[inline]
    pub fn clear_mark(&mut self, mark: Mark) {
        // SAFETY: The cursor is valid by its invariants, and the lock is held.
        unsafe { bindings::xas_clear_mark(self.xas(), mark.0) };
    }

    /// Once in a while (every `XA_CHECK_SCHED` calls) lets others have the lock and the CPU.
    ///
    /// A walk goes on with the entry after the one that the cursor is at.
    #[inline]
    pub fn relax(&mut self) {
        self.relax_after(1);
    }

    /// Like [`Guard::relax`], after what was as much work as so many steps.
    #[inline]
    pub fn relax_after(&mut self, work: u32) {
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
        // SAFETY: The cursor is valid by its invariants, and the lock is held.
        unsafe { bindings::xas_pause(self.xas()) };
        // INVARIANT: `xas_pause()` has left the tree.
        // SAFETY: The lock is held, and is taken again before the guard is used. Interrupts were
        // enabled when it was taken.
        unsafe {
            unlock_irq(mapping);
            bindings::cond_resched();
        }
        lock_irq(mapping);
    }

    /// Counts `pages` more pages of the file (`nrpages`).
    #[inline]
    pub fn add_pages(&mut self, pages: usize) {
        // SAFETY: The mapping is valid by its type invariants; the lock protects the count.
        unsafe { (*self.mapping().as_raw()).nrpages += pages };
    }

    /// Counts `pages` fewer pages of the file.
    #[inline]
    pub fn sub_pages(&mut self, pages: usize) {
        // SAFETY: As in `add_pages`.
        let nrpages = unsafe { &mut (*self.mapping().as_raw()).nrpages };
        *nrpages = nrpages.wrapping_sub(pages);
    }
}

/// Takes the lock of the array of pages and disables interrupts.
#[inline]
fn lock_irq(mapping: &AddressSpace) {
    // What `xa_lock_irq()` calls in the end.
    #[cfg(all(CONFIG_SMP, not(CONFIG_PREEMPT_RT)))]
    // SAFETY: The mapping is valid by its type invariants, and a spinlock starts with its raw one.
    unsafe {
        bindings::_raw_spin_lock_irq((&raw mut (*mapping.i_pages()).xa_lock).cast())
    };
    #[cfg(not(all(CONFIG_SMP, not(CONFIG_PREEMPT_RT))))]
    // SAFETY: The mapping is valid by its type invariants.
    unsafe {
        bindings::xa_lock_irq(mapping.i_pages())
    };
}

/// Releases the lock of the array of pages and enables interrupts.
///
/// # Safety
///
/// The caller must hold the lock, which [`lock_irq`] took.
#[inline]
unsafe fn unlock_irq(mapping: &AddressSpace) {
    // What `xa_unlock_irq()` calls in the end, unless it is inlined.
    #[cfg(all(CONFIG_SMP, not(CONFIG_PREEMPT_RT), not(CONFIG_INLINE_SPIN_UNLOCK_IRQ)))]
    // SAFETY: The caller holds the lock; a spinlock starts with its raw one.
    unsafe {
        bindings::_raw_spin_unlock_irq((&raw mut (*mapping.i_pages()).xa_lock).cast())
    };
    #[cfg(not(all(CONFIG_SMP, not(CONFIG_PREEMPT_RT), not(CONFIG_INLINE_SPIN_UNLOCK_IRQ))))]
    // SAFETY: The caller holds the lock.
    unsafe {
        bindings::xa_unlock_irq(mapping.i_pages())
    };
}
