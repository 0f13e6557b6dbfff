// SPDX-License-Identifier: GPL-2.0

//! The operations of a device: giving them to it, and taking them back.

use crate::{
    device::{
        flag,
        DaxDevice, //
    },
    liveness, //
};
use core::ptr;
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Full,
        Relaxed, //
    },
};
use kernel_ext::sync::srcu::Reading;

mod ffi;
pub(crate) use ffi::{
    flush,
    Extended, //
};
use ffi::{
    ExtTable,
    Table, //
};

/// Where a device keeps its operations.
///
/// # Invariants
///
/// Each pointer is NULL or a table, with at least `direct_access` and `zero_page_range`, that lives until
/// the device is dead, or until it was taken out here and an SRCU grace period has passed.
pub(crate) struct OpsSlot {
    base: Atomic<*const Table>,
    extended: Atomic<*const ExtTable>,
}

impl OpsSlot {
    /// No operations.
    pub(crate) const fn new() -> Self {
        Self {
            base: Atomic::new(ptr::null()),
            extended: Atomic::new(ptr::null()),
        }
    }

    /// Takes out the operations of a device that nobody else can reach.
    pub(crate) fn reset(&self) {
        self.base.store(ptr::null(), Relaxed);
        self.extended.store(ptr::null(), Relaxed);
    }
}

/// Gives operations to a device that has none. Fails with `EBUSY` if it has.
///
/// A device that was made with an extended table keeps it for life: what it says of itself in its
/// flags belongs to that table.
fn set_ops(dev: &DaxDevice, table: *const Table) -> Result {
    if dev.flags.test(flag::EXT) {
        return Err(EBUSY);
    }
    // ORDERING: Full: only one of several wins, and who sees the table sees its content.
    dev.ops
        .base
        .cmpxchg(ptr::null(), table, Full)
        .map(|_| ())
        .map_err(|_| EBUSY)
}

/// Takes the operations from a device and waits until none of them runs. Sleeps.
fn clear_ops(dev: &DaxDevice) {
    // ORDERING: Relaxed: the grace period orders this before whatever frees the tables.
    dev.ops.extended.store(ptr::null(), Relaxed);
    dev.ops.base.store(ptr::null(), Relaxed);
    liveness::srcu().synchronize();
}

/// Gives an extended table to a device that nobody else can reach yet. `own_copies` says whether it
/// has a `copy_from_iter` and a `copy_to_iter`.
fn publish_extended(
    dev: &DaxDevice,
    table: *const ExtTable,
    base: *const Table,
    own_copies: (bool, bool),
) {
    dev.flags.set(flag::EXT);
    dev.flags.assign(flag::EXT_COPY_FROM, own_copies.0);
    dev.flags.assign(flag::EXT_COPY_TO, own_copies.1);
    // ORDERING: Relaxed: nobody else can reach the device.
    dev.ops.extended.store(table, Relaxed);
    dev.ops.base.store(base, Relaxed);
}

/// The names of all operations, and whether `dev` has them. None has a device that is dead.
pub(crate) fn published(dev: &DaxDevice, reading: Reading<'_>) -> [(&'static str, bool); 6] {
    let dev = liveness::alive(dev, reading).ok();
    let [a, b, c] = dev
        .and_then(|dev| dev.operations())
        .map_or([("", false); 3], |ops| ops.names());
    let [d, e, f] = dev
        .and_then(|dev| dev.extended())
        .map_or([("", false); 3], |ops| ops.names());
    [a, b, c, d, e, f]
}
