// SPDX-License-Identifier: GPL-2.0

//! crate: user
//!
//! Safe code calls C.

use kernel_ext::bindings;

#[cfg(not(control))]
fn unlock() {
    bindings::dax_read_unlock(0); //~ E0133
}

#[cfg(control)]
fn constant() -> u32 {
    bindings::PAGECACHE_TAG_DIRTY
}
