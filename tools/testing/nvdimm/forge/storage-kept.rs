// SPDX-License-Identifier: GPL-2.0

//! crate: fs_dax
//!
//! Storage outlives the read section in which the device was alive.

use crate::sys::entry::{
    Order,
    Storage, //
};
use kernel::prelude::*;
use kernel_ext::{
    dax::client::{
        read_lock,
        ReadGuard, //
    },
    iomap::Map,
};

#[cfg(not(control))]
fn kept<'a>(map: &'a Map, _: &'a ReadGuard) -> Result<Storage<'a>> {
    let guard = read_lock();
    Storage::at(map, &guard, 0, Order::Pte) //~ E0515
}

#[cfg(control)]
fn within<'a>(map: &'a Map, guard: &'a ReadGuard) -> Result<Storage<'a>> {
    drop(read_lock());
    Storage::at(map, guard, 0, Order::Pte)
}
