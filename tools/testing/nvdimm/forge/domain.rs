// SPDX-License-Identifier: GPL-2.0

//! crate: user
//!
//! Safe code says of two SRCU domains that they are one.

use kernel_ext::sync::srcu::{
    Domain,
    Srcu, //
};

#[cfg(not(control))]
enum Mine {}

#[cfg(not(control))]
#[rustfmt::skip]
impl Domain for Mine { //~ E0200
    fn srcu() -> &'static Srcu {
        loop {}
    }
}

#[cfg(control)]
fn any<D: Domain>() -> &'static Srcu {
    D::srcu()
}
