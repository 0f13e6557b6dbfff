// SPDX-License-Identifier: GPL-2.0

//! Waiting for the tasks that have entries locked.

use super::{
    lock::{
        MappingLock,
        Slot, //
    },
    lookup::Peek,
};
use crate::sys::{
    entry::Order,
    mapping::DaxMapping, //
};
use kernel_ext::units::PageIndex;

/// The caller does not want to sleep, and would have to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WouldSleep;

/// Waits until each task that has locked an entry of the pages from `first` up to and including
/// `last` has unlocked it. Sleeps.
///
/// With `nowait` it fails where it would sleep. Other tasks may lock the same entries again at any
/// time, before this returns too.
pub(crate) fn settle(
    mapping: &DaxMapping,
    first: PageIndex,
    last: PageIndex,
    nowait: bool,
) -> Result<(), WouldSleep> {
    let mut slot = Slot::new(mapping, first, Order::Pte);
    let mut lock = slot.lock();
    while let Some(next) = lock.peek_next(last) {
        lock = pass(next, nowait)?;
        lock.relax();
    }
    Ok(())
}

fn pass<'s, 'm>(next: Peek<'s, 'm>, nowait: bool) -> Result<MappingLock<'s, 'm>, WouldSleep> {
    match next {
        Peek::Found(found) => Ok(found.put()),
        Peek::Busy(_) if nowait => Err(WouldSleep),
        Peek::Busy(busy) => Ok(busy.settle()),
    }
}
