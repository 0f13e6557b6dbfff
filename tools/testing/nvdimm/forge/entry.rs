// SPDX-License-Identifier: GPL-2.0

//! crate: fs_dax
//!
//! A number that comes from nowhere is the entry of a file.

use crate::entry::{
    Entry,
    Order, //
};
use kernel_ext::xarray::Value;

#[cfg(not(control))]
fn any_number(n: usize) -> Entry {
    Entry(Value::new(n)) //~ E0423
}

#[cfg(control)]
fn placeholder() -> (Entry, Value) {
    let entry = Entry::empty(Order::Pte);
    (entry, entry.unlocked())
}
