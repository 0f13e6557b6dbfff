// SPDX-License-Identifier: GPL-2.0

//! crate: user
//!
//! A task is a reader of an SRCU domain that it has not entered.

use core::marker::PhantomData;
use kernel_ext::sync::srcu::{
    Domain,
    Reading,
    SrcuReadGuard, //
};

#[cfg(not(control))]
fn outside<'a, D: Domain>(_: &SrcuReadGuard<D>) -> Reading<'a, D> {
    Reading(PhantomData) //~ E0423
}

#[cfg(control)]
fn inside<D: Domain>(guard: &SrcuReadGuard<D>) -> Reading<'_, D> {
    let _ = PhantomData::<D>;
    guard.reading()
}
