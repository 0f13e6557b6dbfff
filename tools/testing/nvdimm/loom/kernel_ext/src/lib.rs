// SPDX-License-Identifier: GPL-2.0

//! What `fs/dax/slot.rs` uses of the crate `kernel_ext`, over loom instead of the kernel.
//!
//! `units`, `types` and the values of an XArray are the real ones.

pub mod fs {
    //! Files.
    pub mod mapping;
}
#[path = "../../../../../../rust/types.rs"]
pub mod types;
#[path = "../../../../../../rust/units.rs"]
pub mod units;
pub mod wait;
pub mod xarray;
