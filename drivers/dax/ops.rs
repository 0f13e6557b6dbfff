// SPDX-License-Identifier: GPL-2.0

//! The operations of a device: publishing them, and taking them out.

use crate::sys::{
    domain::DaxDomain,
    driver::Tables,
    table::{
        Base,
        Extended,
        Lent,
        Slot, //
    },
};
use kernel::prelude::*;
use kernel_ext::sync::srcu::Domain;

/// Where a device keeps its operations.
pub(crate) struct OpsSlot {
    pub(crate) base: Slot<Base>,
    pub(crate) extended: Slot<Extended>,
}

impl OpsSlot {
    /// No operations.
    pub(crate) const fn new() -> Self {
        Self {
            base: Slot::empty(),
            extended: Slot::empty(),
        }
    }

    /// Forgets the operations of a device that no other task can reach.
    pub(crate) fn reset(&self) {
        self.base.clear();
        self.extended.clear();
    }

    /// Publishes the operations of a new device.
    pub(crate) fn publish(&self, tables: Tables) {
        match tables {
            Tables::None => (),
            Tables::Base(table) => self.base.publish(Some(table)),
            Tables::Extended(table) => {
                self.extended.publish(Some(table));
                self.base.publish(Some(table.base()));
            }
        }
    }

    /// Publishes the operations of a device that has none. Fails with `EBUSY` if it has.
    pub(crate) fn set(&self, table: Lent<Base>) -> Result {
        self.base.try_publish(table)
    }

    /// Takes the operations out and waits until none of them runs. Sleeps.
    pub(crate) fn take_out(&self) {
        self.reset();
        DaxDomain::srcu().synchronize();
    }
}
