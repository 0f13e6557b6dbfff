// SPDX-License-Identifier: GPL-2.0

//! Memory failure: a task that comes from a page of memory, and has no reference to the file.

use crate::{
    file::File,
    slot::{
        LockedEntry,
        Peek,
        Slot, //
    },
    sys::{
        entry::Order,
        lock::EntryLock, //
    },
};
use kernel_ext::units::PageIndex;
use loom::sync::Mutex;
use std::sync::Arc;

/// A page of memory, and the file that it is associated with.
///
/// The reference stands for the RCU read section: a task that has cloned it may look at the file.
pub(crate) struct Folio(Mutex<Option<Arc<File>>>);

impl Folio {
    pub(crate) fn new(file: &Arc<File>) -> Self {
        Self(Mutex::new(Some(file.clone())))
    }

    fn file(&self) -> Option<Arc<File>> {
        self.0.lock().unwrap().clone()
    }

    /// The file gives up the page, or shares it.
    pub(crate) fn disassociate(&self) {
        *self.0.lock().unwrap() = None;
    }

    /// Locks the entry of the page, if it has one, keeps it like C does, and unlocks it.
    pub(crate) fn fail(&self) {
        while let Some(rcu) = self.file() {
            // SAFETY: The file is not freed while `rcu` is there, and `peek` is not used
            // afterwards.
            let file = unsafe { &*Arc::as_ptr(&rcu) };
            let mut slot = Slot::new(&file.mapping, PageIndex::ZERO, Order::Pte);
            let lock = slot.lock();
            if self.file().is_none() {
                continue;
            }
            let peek = lock.peek();
            match peek {
                Err(_) => panic!("a page of a file has an entry"),
                Ok(Peek::Busy(busy)) => busy.wait_and_release(|| drop(rcu)),
                Ok(Peek::Found(found)) => {
                    let cookie = found.lock().keep_locked().keep();
                    let mut slot = Slot::new(&file.mapping, PageIndex::ZERO, Order::Pte);
                    // SAFETY: It has just been left locked.
                    let lock = unsafe { EntryLock::adopt(cookie) };
                    let locked = LockedEntry::adopt(&mut slot, lock);
                    file.touch(&locked);
                    return;
                }
            }
        }
    }
}
