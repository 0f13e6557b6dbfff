// SPDX-License-Identifier: GPL-2.0

//! crate: fs_dax
//!
//! A number that comes from nowhere is the entry of a file.

use crate::sys::entry::{
    Entry,
    Order, //
};
use kernel_ext::xarray::Value;

#[cfg(not(control))]
fn decoded(n: usize) -> Entry {
    Entry::decode(Value::new(n)).0 //~ E0133
}

#[cfg(not(control))]
fn of_a_cookie(n: usize) -> Option<Entry> {
    Entry::from_raw(n) //~ E0133
}

#[cfg(control)]
fn placeholder() -> (Entry, Value) {
    let entry = Entry::empty(Order::Pte);
    (entry, entry.unlocked())
}
