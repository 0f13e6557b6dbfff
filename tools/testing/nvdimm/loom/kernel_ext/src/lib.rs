// SPDX-License-Identifier: GPL-2.0

//! What `fs/dax/slot.rs` and `fs/dax/sys` use of the crate `kernel_ext`: the real files, and device
//! memory that does nothing.

pub mod dax;
pub mod memremap;
#[path = "../../../../../../rust/types.rs"]
pub mod types;
#[path = "../../../../../../rust/units.rs"]
pub mod units;
#[path = "../../../../../../rust/xarray.rs"]
pub mod xarray;
