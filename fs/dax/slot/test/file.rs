// SPDX-License-Identifier: GPL-2.0

//! A file that has nothing but its array of pages.

use crate::{
    memory::Memory,
    slot::{
        grab,
        Lookup,
        Slot, //
    },
    sys::{
        entry::{
            Entry,
            Kind,
            Order,
            Storage,
            Zeros, //
        },
        mapping::DaxMapping,
    },
};
use kernel::{
    prelude::*,
    types::Opaque, //
};
use kernel_ext::{
    bindings,
    fs::mapping::AddressSpace,
    units::{
        PageIndex,
        Pfn, //
    },
};

/// Work after which a walk pauses.
pub(super) const PAUSE: usize = bindings::XA_CHECK_SCHED as usize;

/// Zeros of `order`, which are never read.
pub(super) fn zeros(order: Order) -> Zeros {
    // SAFETY: The zeros are not used.
    unsafe { Zeros::new(Pfn::new(0x200), order) }
}

/// The entry of `order` whose memory is `kind`. The memory is never used.
pub(super) fn entry(order: Order, kind: Kind) -> Entry {
    match kind {
        Kind::Empty => Entry::empty(order),
        // SAFETY: The zeros are not used.
        Kind::Zero(pfn) => Entry::zeros(unsafe { Zeros::new(pfn, order) }),
        // SAFETY: The memory is not used: no driver has mapped it, so that `Memory` does not find
        // it.
        Kind::Mapped(pfn) => Entry::mapped(unsafe { Storage::new(pfn, order) }),
    }
}

/// An inode without a filesystem, and its pages.
pub(super) struct File {
    mapping: KBox<Opaque<bindings::address_space>>,
    // The mapping points to it.
    _inode: KBox<Opaque<bindings::inode>>,
    // The inode points to it.
    _sb: KBox<Opaque<bindings::super_block>>,
}

// SAFETY: The tests use the array, which its lock protects, and nothing else from several tasks.
unsafe impl Send for File {}
// SAFETY: The tests use the array, which its lock protects, and nothing else from several tasks.
unsafe impl Sync for File {}

impl File {
    pub(super) fn new() -> Result<Self> {
        let inode = KBox::new(Opaque::<bindings::inode>::zeroed(), GFP_KERNEL)?;
        let mapping = KBox::new(Opaque::<bindings::address_space>::zeroed(), GFP_KERNEL)?;
        let sb = KBox::new(Opaque::<bindings::super_block>::zeroed(), GFP_KERNEL)?;
        // SAFETY: All are allocated, and not shared yet.
        unsafe {
            bindings::address_space_init_once(mapping.get());
            (*inode.get()).i_sb = sb.get();
            (*mapping.get()).host = inode.get();
            (*mapping.get()).gfp_mask = bindings::GFP_KERNEL;
        }
        Ok(Self {
            mapping,
            _inode: inode,
            _sb: sb,
        })
    }

    pub(super) fn mapping(&self) -> &DaxMapping {
        // SAFETY: The address space is initialised, has an inode, and lives as long as `self`.
        let mapping = unsafe { AddressSpace::from_raw(self.mapping.get()) };
        // SAFETY: The tests put entries of DAX into the array, and nothing else.
        unsafe { DaxMapping::of_dax_file(mapping) }
    }

    pub(super) fn slot(&self, index: usize, order: Order) -> Slot<'_> {
        Slot::new(self.mapping(), PageIndex(index), order)
    }

    pub(super) fn nrpages(&self) -> usize {
        // SAFETY: The address space is valid; no other task changes it at the moment.
        unsafe { (*self.mapping.get()).nrpages }
    }

    /// Makes an entry of `kind` at `index`, dirty if `dirty`.
    pub(super) fn insert(&self, index: usize, order: Order, kind: Kind, dirty: bool) -> bool {
        let mut slot = self.slot(index, order);
        let Ok(mut locked) = grab(&mut slot, order) else {
            return false;
        };
        let mut update = locked.update();
        // SAFETY: No driver has mapped the memory.
        let replaced = unsafe { update.guard.plant(update.lock, entry(order, kind)) };
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
                drop(found.discard(&mut Memory::of_unknown_device()));
                true
            }
            _ => false,
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: The array is initialised, and no other task can use it any more.
        unsafe { bindings::xa_destroy(&raw mut (*self.mapping.get()).i_pages) };
    }
}
