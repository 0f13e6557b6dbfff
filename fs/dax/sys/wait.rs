// SPDX-License-Identifier: GPL-2.0

//! Waiting for an entry to become unlocked.
//!
//! Entries have no room for a wait queue. Tasks that wait for one queue up in a hashed table under
//! the key of the entry: the array, and the index at which the entry starts.
//!
//! No wake-up is missed. A task joins the queue under the i_pages lock, after it has seen there
//! that the entry is locked. A task that unlocks an entry does so under the same lock, and wakes
//! afterwards. So all tasks that have seen the entry locked are in the queue by then.
//!
//! [`Key::wake_next`] wakes exclusive waiters one at a time. A waiter that was woken has used up
//! the wake-up, so it must wake the next one if it does not keep the entry. A task that may not be
//! able to do so waits non-exclusively ([`release_and_sleep`]).
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)

use super::{
    cursor::Cursor,
    guard::Guard,
    mapping::DaxMapping, //
};
use core::{
    mem::offset_of,
    ptr, //
};
use kernel::{
    ffi::{
        c_int,
        c_uint,
        c_void, //
    },
    types::Opaque, //
};
use kernel_ext::{
    bindings,
    units::PageIndex, //
};

const TABLE_BITS: u32 = 12;

/// The queues.
///
/// # Invariants
///
/// [`init`] has initialised them before a task waits or wakes.
struct Table([Opaque<bindings::wait_queue_head>; 1 << TABLE_BITS]);

// SAFETY: C protects a queue by the lock that it contains.
unsafe impl Sync for Table {}

static TABLE: Table = Table([const { Opaque::zeroed() }; 1 << TABLE_BITS]);

/// Initialises the queues.
///
/// # Safety
///
/// Must be called once, and before any other function of this module: when the kernel starts,
/// before there are files.
pub(crate) unsafe fn init() {
    for queue in &TABLE.0 {
        // INVARIANT: No file exists yet, as the caller ensures.
        // SAFETY: The queue is static, and not in use yet.
        unsafe { bindings::init_waitqueue_head(queue.get()) };
    }
}

/// The key of an entry, which differs between entries of all files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    array: *const bindings::xarray,
    start: usize,
}

impl Key {
    /// The key of the entry of `mapping` that starts at `start`.
    #[inline]
    pub(crate) fn new(mapping: &DaxMapping, start: PageIndex) -> Self {
        Self {
            array: mapping.i_pages(),
            start: start.0,
        }
    }

    /// The queue for the key, as `hash_long()`, which C inlines, chooses it.
    #[inline]
    fn queue(&self) -> *mut bindings::wait_queue_head {
        const GOLDEN_RATIO_64: u64 = 0x61c8_8646_80b5_83eb;
        // The hash is the high bits of a product that overflows.
        let hash = ((self.array.addr() ^ self.start) as u64).wrapping_mul(GOLDEN_RATIO_64);
        TABLE.0[(hash >> (u64::BITS - TABLE_BITS)) as usize].get()
    }

    /// Wakes the exclusive waiter that has waited longest, and all others.
    ///
    /// The caller has unlocked the entry under the i_pages lock.
    #[inline]
    pub(crate) fn wake_next(self) {
        self.wake(1);
    }

    /// Wakes all waiters, because the entry is gone or has another key now.
    ///
    /// The caller has changed the entry under the i_pages lock.
    #[inline]
    pub(crate) fn wake_all(self) {
        self.wake(0);
    }

    /// Looks at the queue without its lock first (`waitqueue_active()`, which C has inline too):
    /// each fault wakes, hardly ever is there a waiter, and `__wake_up()` takes a lock.
    #[inline]
    fn wake(self, exclusive: c_int) {
        let queue = self.queue();
        // ORDERING: The i_pages lock orders the read after the writes of waiters; see the module.
        // SAFETY:
        // - The queue is static, and initialised by the invariant of the table.
        // - The pointer is only compared, so it does not matter that other tasks change the list.
        let waiting = unsafe {
            let head = &raw mut (*queue).head;
            !ptr::eq((&raw const (*head).next).read_volatile(), head)
        };
        if waiting {
            self.wake_waiters(queue, exclusive);
        }
    }

    #[cold]
    fn wake_waiters(&self, queue: *mut bindings::wait_queue_head, exclusive: c_int) {
        let key = ptr::from_ref(self).cast_mut().cast();
        // SAFETY:
        // - The queue is static, and initialised by the invariant of the table.
        // - All waiters in it have the function `wake_waiter()`, which reads the key as a `Key` and
        //   does not keep the pointer.
        unsafe { bindings::__wake_up(queue, bindings::TASK_NORMAL, exclusive, key) };
    }
}

/// A task that waits; in the queue of `key`.
#[repr(C)]
struct Waiter {
    entry: bindings::wait_queue_entry,
    key: Key,
}

/// Wakes a waiter, and removes it from the queue, if it waits for this key.
///
/// # Safety
///
/// `entry` must be in a [`Waiter`] that is queued in a queue whose lock the caller holds, and `key`
/// point to a [`Key`].
unsafe extern "C" fn wake_waiter(
    entry: *mut bindings::wait_queue_entry,
    mode: c_uint,
    flags: c_int,
    key: *mut c_void,
) -> c_int {
    // SAFETY: The caller ensures that the entry is part of a `Waiter`, at this offset.
    let waiter = unsafe { entry.byte_sub(offset_of!(Waiter, entry)).cast::<Waiter>() };
    // SAFETY:
    // - The waiter, on the stack of a task that leaves the queue before its frame ends, stays: the
    //   caller holds the lock of the queue.
    // - The caller ensures that `key` points to a `Key`.
    if unsafe { (*waiter).key != *key.cast::<Key>() } {
        return 0;
    }
    // SAFETY: The caller ensures that the entry is queued, and holds the lock of the queue.
    unsafe { bindings::autoremove_wake_function(entry, mode, flags, ptr::null_mut()) }
}

/// Queues up for `key`, lets `release` release the i_pages lock, and sleeps until woken.
#[cold]
fn sleep<T>(key: Key, exclusive: bool, release: impl FnOnce() -> T) -> T {
    let queue = key.queue();
    let mut waiter = Waiter {
        entry: bindings::wait_queue_entry::default(),
        key,
    };
    let waiter = &raw mut waiter;
    let state = bindings::TASK_UNINTERRUPTIBLE as c_int;
    // SAFETY: The waiter is on this stack frame, and from here on only used through the pointer.
    let entry = unsafe { &raw mut (*waiter).entry };
    // SAFETY:
    // - The queue is static, and initialised by the invariant of the table.
    // - The entry is valid for all of this. It does not move, and `finish_wait()` takes it out of
    //   the queue before its stack frame ends; `release` does not unwind, because the kernel
    //   aborts.
    // - `wake_waiter()` finds the waiter around the entry, and the keys that wakers of this table
    //   pass.
    unsafe {
        bindings::init_wait_entry(entry, 0);
        (*entry).func = Some(wake_waiter);
        if exclusive {
            bindings::prepare_to_wait_exclusive(queue, entry, state);
        } else {
            bindings::prepare_to_wait(queue, entry, state);
        }
        let released = release();
        bindings::schedule();
        bindings::finish_wait(queue, entry);
        released
    }
}

/// Waits for the entry that starts at `start`, which the caller has seen to be locked.
///
/// The i_pages lock is released meanwhile, and afterwards the entry may be a different one or gone.
/// The caller looks again, and if it does not keep the entry that it finds, wakes the next waiter.
pub(crate) fn sleep_exclusive<'c, 'm>(
    guard: Guard<'c, 'm>,
    start: PageIndex,
) -> &'c mut Cursor<'m> {
    let key = Key::new(guard.mapping(), start);
    sleep(key, true, || guard.unlock())
}

/// Like [`sleep_exclusive`], for a caller that does not look again: it need not wake the next
/// waiter.
///
/// Once the i_pages lock is released the address space may be freed; `unlocked` runs then, before
/// the caller sleeps.
pub(crate) fn release_and_sleep(guard: Guard<'_, '_>, start: PageIndex, unlocked: impl FnOnce()) {
    let key = Key::new(guard.mapping(), start);
    sleep(key, false, || {
        drop(guard);
        unlocked();
    });
}
