// SPDX-License-Identifier: GPL-2.0

//! crate: user
//!
//! A task is a reader after it has left the SRCU domain.

use kernel_ext::sync::srcu::{
    self,
    Domain,
    Reading, //
};

/// Takes the evidence.
fn look<D: Domain>(_: Reading<'_, D>) {}

#[cfg(not(control))]
fn after<D: Domain>() {
    let guard = srcu::read_lock::<D>();
    let reading = guard.reading();
    drop(guard); //~ E0505
    look(reading);
}

#[cfg(control)]
fn before<D: Domain>() {
    let guard = srcu::read_lock::<D>();
    let reading = guard.reading();
    look(reading);
    drop(guard);
}
