// SPDX-License-Identifier: GPL-2.0

//! The queue of the waiters; loom knows which threads are awake.
//!
//! One queue for all keys, as if all had the same hash.

use super::{
    cursor::Cursor,
    guard::Guard,
    mapping::DaxMapping, //
};
use kernel_ext::units::PageIndex;
use loom::{
    sync::{
        atomic::{
            AtomicUsize,
            Ordering, //
        },
        Mutex,
    },
    thread::{
        self,
        Thread, //
    },
};
use std::collections::VecDeque;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    array: usize,
    start: PageIndex,
}

struct Waiter {
    key: Key,
    exclusive: bool,
    thread: Thread,
}

struct Table {
    queue: Mutex<VecDeque<Waiter>>,
    /// What `waitqueue_active()` looks at without the lock of the queue.
    waiting: AtomicUsize,
}

loom::lazy_static! {
    static ref TABLE: Table = Table {
        queue: Mutex::new(VecDeque::new()),
        waiting: AtomicUsize::new(0),
    };
}

impl Table {
    fn change(&self, change: impl FnOnce(&mut VecDeque<Waiter>)) {
        let mut queue = self.queue.lock().unwrap();
        change(&mut queue);
        self.waiting.store(queue.len(), Ordering::Relaxed);
    }
}

impl Key {
    pub(crate) fn new(mapping: &DaxMapping, start: PageIndex) -> Self {
        Self {
            array: mapping.id,
            start,
        }
    }

    pub(crate) fn wake_next(self) {
        self.wake(1);
    }

    pub(crate) fn wake_all(self) {
        self.wake(usize::MAX);
    }

    fn wake(self, mut exclusive: usize) {
        if TABLE.waiting.load(Ordering::Relaxed) == 0 {
            return;
        }
        TABLE.change(|queue| {
            queue.retain(|waiter| {
                if waiter.key != self || exclusive == 0 {
                    return true;
                }
                waiter.thread.unpark();
                if waiter.exclusive {
                    exclusive -= 1;
                }
                false
            });
        });
    }
}

fn sleep<T>(key: Key, exclusive: bool, release: impl FnOnce() -> T) -> T {
    let waiter = Waiter {
        key,
        exclusive,
        thread: thread::current(),
    };
    TABLE.change(|queue| {
        if exclusive {
            queue.push_back(waiter);
        } else {
            queue.push_front(waiter);
        }
    });
    let released = release();
    // Nobody else unparks a thread of a model.
    thread::park();
    released
}

pub(crate) fn sleep_exclusive<'c, 'm>(
    guard: Guard<'c, 'm>,
    start: PageIndex,
) -> &'c mut Cursor<'m> {
    let key = Key::new(guard.mapping(), start);
    sleep(key, true, || guard.unlock())
}

pub(crate) fn release_and_sleep(guard: Guard<'_, '_>, start: PageIndex, unlocked: impl FnOnce()) {
    let key = Key::new(guard.mapping(), start);
    sleep(key, false, || {
        drop(guard);
        unlocked();
    });
}
