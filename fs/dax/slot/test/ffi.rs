// SPDX-License-Identifier: GPL-2.0

//! A file that has nothing but its array of pages.

use crate::{
    entry::{
        Entry,
        Kind,
        Order, //
    },
    slot::{
        grab,
        Lookup,
        Slot, //
    },
};
use kernel::{
    prelude::*,
    types::Opaque, //
};
use kernel_ext::{
    bindings,
    fs::mapping::{
        AddressSpace,
        PageIndex, //
    },
};

/// Work after which a walk pauses.
pub(super) const PAUSE: usize = bindings::XA_CHECK_SCHED as usize;

/// An inode without a filesystem, and its pages.
pub(super) struct File {
    mapping: KBox<Opaque<bindings::address_space>>,
    // The mapping points to it.
    _inode: KBox<Opaque<bindings::inode>>,
}

// SAFETY: What the tests use of it is synchronised by its locks.
unsafe impl Send for File {}
// SAFETY: As for `Send`.
unsafe impl Sync for File {}

impl File {
    pub(super) fn new() -> Result<Self> {
        let inode = KBox::new(Opaque::<bindings::inode>::zeroed(), GFP_KERNEL)?;
        let mapping = KBox::new(Opaque::<bindings::address_space>::zeroed(), GFP_KERNEL)?;
        // SAFETY: Both are allocated and nobody else knows them.
        unsafe {
            bindings::address_space_init_once(mapping.get());
            (*mapping.get()).host = inode.get();
            (*mapping.get()).gfp_mask = bindings::GFP_KERNEL;
        }
        Ok(Self {
            mapping,
            _inode: inode,
        })
    }

    pub(super) fn mapping(&self) -> &AddressSpace {
        // SAFETY: The address space is initialised, has an inode, and lives as long as `self`.
        unsafe { AddressSpace::from_raw(self.mapping.get()) }
    }

    pub(super) fn slot(&self, index: usize, order: Order) -> Slot<'_> {
        Slot::new(self.mapping(), PageIndex(index), order)
    }

    pub(super) fn nrpages(&self) -> usize {
        // SAFETY: The address space is valid; nobody else changes it at the moment.
        unsafe { (*self.mapping.get()).nrpages }
    }

    /// Has an entry of `kind` at `index`, dirty if `dirty`.
    pub(super) fn insert(&self, index: usize, order: Order, kind: Kind, dirty: bool) -> bool {
        let mut slot = self.slot(index, order);
        let Ok(mut locked) = grab(&mut slot, order) else {
            return false;
        };
        let mut update = locked.update();
        let new = Entry::new(order, kind);
        let replaced = update.replace(new, |_, _, _| Ok::<_, Error>(())).is_ok();
        if dirty {
            update.mark_dirty();
        }
        replaced
    }

    /// The first pages of all entries up to `last`, as a walk finds them.
    pub(super) fn walk(&self, last: usize, tagged: bool, pause: bool) -> Result<KVec<usize>> {
        let mut found = KVec::new();
        let mut slot = self.slot(0, Order::Pte);
        let mut lock = slot.lock();
        loop {
            let next = if tagged {
                lock.next_towrite(PageIndex(last))
            } else {
                lock.next(PageIndex(last))
            };
            let Some(entry) = next else {
                return Ok(found);
            };
            found.push(entry.index().0, GFP_ATOMIC)?;
            lock = entry.put();
            if pause {
                lock.relax_after(PAUSE);
            }
        }
    }

    pub(super) fn discard(&self, index: usize) -> bool {
        match self.slot(index, Order::Pte).lock().lookup() {
            Lookup::Found(found) => {
                drop(found.discard(|_, _| ()));
                true
            }
            _ => false,
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: The array is initialised, and nobody uses it any more.
        unsafe { bindings::xa_destroy(&raw mut (*self.mapping.get()).i_pages) };
    }
}
