// SPDX-License-Identifier: GPL-2.0

//! The holder of a device: the filesystem, or the mapped device, that uses it exclusively.
//!
//! A holder is one pointer, which identifies it, and operations, through which it hears of memory
//! failures. Both are exchanged without a lock:
//!
//! | step | order | why |
//! |---|---|---|
//! | claim | identity, then operations | a caller that loses the exchange of the identity changes nothing |
//! | release | operations, then identity | the next holder's operations are not overwritten |
//! | kill | after the SRCU grace period, both | no notification is between looking and calling |
//!
//! A notification in between finds no operations, as it does in a device without a holder.

use crate::sys::{
    holder::{
        HolderId,
        HolderOps, //
    },
    table::{
        Lent,
        Slot, //
    },
};
use core::mem::ManuallyDrop;
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Full,
        Relaxed, //
    },
};

/// The result of giving a device back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// The device has no holder now.
    Released,
    /// The device was killed, and the holder forgotten, before.
    AlreadyKilled,
    /// The device has another holder, and keeps it: a bug of the caller.
    NotHolder,
}

/// The holder of a device, if any.
pub(crate) struct Holder {
    id: Atomic<HolderId>,
    pub(crate) ops: Slot<HolderOps>,
}

/// A device that has just been claimed. Released when dropped, unless it is kept.
#[must_use = "the device is released immediately when the claim is unused"]
pub(crate) struct Claim<'a> {
    holder: &'a Holder,
    id: HolderId,
}

impl Claim<'_> {
    /// Makes the claim last until [`Holder::release`].
    pub(crate) fn keep(self) {
        let _ = ManuallyDrop::new(self);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.holder.release(self.id);
    }
}

impl Holder {
    /// No holder.
    pub(crate) const fn new() -> Self {
        Self {
            id: Atomic::new(HolderId::NONE),
            ops: Slot::empty(),
        }
    }

    /// Makes `id` the holder. Fails with `EBUSY` if there is one.
    pub(crate) fn claim(&self, id: HolderId, ops: Option<Lent<HolderOps>>) -> Result<Claim<'_>> {
        // ORDERING: Full: a task that sees `id` sees what the claimer did before, and the store of
        // `ops` stays behind; see the table above.
        if self.id.cmpxchg(HolderId::NONE, id, Full).is_err() {
            return Err(EBUSY);
        }
        // ORDERING: A notification that finds the operations also finds the holder: `publish` is a
        // release.
        self.ops.publish(ops);
        Ok(Claim { holder: self, id })
    }

    /// Ends the claim of `id`.
    pub(crate) fn release(&self, id: HolderId) -> Release {
        // ORDERING: Relaxed: if `id` is the holder, only killing the device can change that. If it
        // is not, the operations are those of another holder.
        let holder = self.id.load(Relaxed);
        if holder.is_none() {
            return Release::AlreadyKilled;
        }
        if holder != id {
            return Release::NotHolder;
        }
        self.ops.clear();
        // ORDERING: Full: the store above is visible to the next task that claims the device, whose
        // store of operations thus is the later one.
        match self.id.cmpxchg(id, HolderId::NONE, Full) {
            Ok(_) => Release::Released,
            Err(holder) if holder.is_none() => Release::AlreadyKilled,
            Err(_) => Release::NotHolder,
        }
    }

    /// Forgets the holder of a device that is dead, or that no other task can reach.
    pub(crate) fn clear(&self) {
        // ORDERING: Relaxed: a dead device cannot be claimed, and notifications have ended.
        self.ops.clear();
        self.id.store(HolderId::NONE, Relaxed);
    }

    /// The identity of the holder.
    #[inline]
    pub(crate) fn id(&self) -> HolderId {
        self.id.load(Relaxed)
    }

    /// Whether there is a holder.
    #[inline]
    pub(crate) fn is_held(&self) -> bool {
        !self.id().is_none()
    }
}
