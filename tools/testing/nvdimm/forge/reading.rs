// SPDX-License-Identifier: GPL-2.0

//! crate: user
//!
//! A task is a reader of an SRCU domain that it has not entered.

use core::marker::PhantomData;
use kernel::types::NotThreadSafe;
use kernel_ext::sync::srcu::{
    ReadGuard,
    Reading, //
};

#[cfg(not(control))]
fn outside<'a>() -> Reading<'a> {
    Reading(PhantomData::<(&'a (), NotThreadSafe)>) //~ E0423
}

#[cfg(control)]
fn inside<'a>(guard: &'a ReadGuard<'_>) -> Reading<'a> {
    let _: PhantomData<NotThreadSafe> = PhantomData;
    guard.reading()
}
