// SPDX-License-Identifier: GPL-2.0

//! Waiting for an entry of an array of pages.
//!
//! Entries have no room for a wait queue. Those who wait for one queue up in a hashed table under
//! the key of the entry: the array, and the index at which the entry starts.
//!
//! Nobody misses a wake-up: who waits joins the queue under the lock of the array, after having seen
//! there that the entry is not free. Who frees an entry does so under the same lock, and wakes
//! afterwards. So whoever has seen the entry before it was free is in the queue by then.
//!
//! Exclusive waiters are woken one at a time by [`Key::wake_next`]. One that has been woken has used
//! up the wake-up, so it must wake the next one if it does not keep the entry. If it may not be able
//! to do so it has to wait non-exclusively ([`release_and_sleep`]).
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)

use crate::{
    bindings,
    fs::mapping::AddressSpace,
    units::PageIndex,
    xarray::{
        Cursor,
        Guard, //
    },
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

const TABLE_BITS: u32 = 12;

/// The queues.
///
/// # Invariants
///
/// [`init`] has initialised them before anybody waits or wakes.
struct Table([Opaque<bindings::wait_queue_head>; 1 << TABLE_BITS]);

// SAFETY: A queue has a lock.
unsafe impl Sync for Table {}

static TABLE: Table = Table([const { Opaque::zeroed() }; 1 << TABLE_BITS]);

/// Initialises the queues.
///
/// # Safety
///
/// Must be called once, and before any other function of this module: when the kernel starts, before
/// there are files.
pub unsafe fn init() {
    for queue in &TABLE.0 {
        // SAFETY: The queue is static, and nobody uses it yet.
        unsafe { bindings::init_waitqueue_head(queue.get()) };
    }
}

/// What tells the entries of all files from each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key {
    array: *const bindings::xarray,
    start: usize,
}

impl Key {
    /// The key of the entry of `mapping` that starts at `start`.
    #[inline]
    pub fn new(mapping: &AddressSpace, start: PageIndex) -> Self {
        Self {
            array: mapping.i_pages(),
            start: start.0,
        }
    }

    /// The queue for the key, as `hash_long()` chooses it.
    #[inline]
    fn queue(&self) -> *mut bindings::wait_queue_head {
        const GOLDEN_RATIO_64: u64 = 0x61c8_8646_80b5_83eb;
        let hash = ((self.array.addr() ^ self.start) as u64).wrapping_mul(GOLDEN_RATIO_64);
        TABLE.0[(hash >> (u64::BITS - TABLE_BITS)) as usize].get()
    }

    /// Wakes the exclusive waiter that has waited longest, and all others.
    ///
    /// The caller has freed the entry under the lock of the array.
    #[inline]
    pub fn wake_next(self) {
        self.wake(1);
    }

    /// Wakes all waiters, because the entry is gone or has another key now.
    ///
    /// The caller has changed the entry under the lock of the array.
    #[inline]
    pub fn wake_all(self) {
        self.wake(0);
    }

    #[inline]
    fn wake(self, exclusive: c_int) {
        let queue = self.queue();
        // SAFETY: The queue is static and initialised; what C does here too. The lock of the array
        // orders the read after the writes of those who wait (see the module).
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
        // SAFETY: The queue is static and initialised. Those in it use `wake_waiter`, which reads
        // the key and does not keep it.
        unsafe { bindings::__wake_up(queue, bindings::TASK_NORMAL, exclusive, key) };
    }
}

/// Somebody who waits; in the queue of `key`.
#[repr(C)]
struct Waiter {
    entry: bindings::wait_queue_entry,
    key: Key,
}

/// Wakes a waiter, and removes it from the queue, if it waits for this key.
///
/// # Safety
///
/// `entry` must be in a [`Waiter`], and `key` point to a [`Key`]. Called with the queue locked.
unsafe extern "C" fn wake_waiter(
    entry: *mut bindings::wait_queue_entry,
    mode: c_uint,
    flags: c_int,
    key: *mut c_void,
) -> c_int {
    // SAFETY: The caller ensures that the entry is in a waiter, which stays while it is queued.
    let waiter = unsafe { entry.byte_sub(offset_of!(Waiter, entry)).cast::<Waiter>() };
    // SAFETY: The caller ensures that both are valid.
    if unsafe { (*waiter).key != *key.cast::<Key>() } {
        return 0;
    }
    // SAFETY: The entry is queued, and the queue is locked.
    unsafe { bindings::autoremove_wake_function(entry, mode, flags, ptr::null_mut()) }
}

/// Queues up for `key`, lets `release` unlock the array, and sleeps until woken.
#[cold]
fn sleep<T>(key: Key, exclusive: bool, release: impl FnOnce() -> T) -> T {
    let queue = key.queue();
    let mut waiter = Waiter {
        entry: bindings::wait_queue_entry::default(),
        key,
    };
    let waiter = &raw mut waiter;
    let state = bindings::TASK_UNINTERRUPTIBLE as c_int;
    // SAFETY: The waiter is on this stack frame and does not move. It leaves the queue, at the
    // latest by `finish_wait()`, before the frame ends. `release` does not unwind: the kernel aborts.
    unsafe {
        let entry = &raw mut (*waiter).entry;
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

/// Waits for the entry that starts at `start`, which the caller has seen not to be free.
///
/// The array is unlocked in the meantime, and the entry may be a different one afterwards or none.
/// The caller looks again, and if it does not keep what it finds, wakes the next waiter.
pub fn sleep_exclusive<'c, 'm>(guard: Guard<'c, 'm>, start: PageIndex) -> &'c mut Cursor<'m> {
    let key = Key::new(guard.mapping(), start);
    sleep(key, true, || guard.unlock())
}

/// Like [`sleep_exclusive`], for a caller that does not look again: it owes nobody a wake-up.
///
/// Once the array is unlocked the address space may be freed; `unlocked` runs then, before the
/// caller sleeps.
pub fn release_and_sleep(guard: Guard<'_, '_>, start: PageIndex, unlocked: impl FnOnce()) {
    let key = Key::new(guard.mapping(), start);
    sleep(key, false, || {
        drop(guard);
        unlocked();
    });
}
