// SPDX-License-Identifier: GPL-2.0

//! crate: user
//!
//! A caller ends a use of DAX devices that it has not begun.

use kernel::types::NotThreadSafe;
use kernel_ext::dax::client::{
    read_lock,
    ReadGuard, //
};

#[cfg(not(control))]
fn never_locked() -> ReadGuard {
    ReadGuard {
        id: 0,                    //~ E0451
        _not_send: NotThreadSafe, //~ E0451
    }
}

#[cfg(control)]
fn locked() -> ReadGuard {
    let _ = NotThreadSafe;
    read_lock()
}
