// SPDX-License-Identifier: GPL-2.0

//! Abstractions for the DAX stack that the kernel crate lacks.
//!
//! Each module stands at the path it would have in `rust/kernel/`, and other subsystems could use
//! it. The C symbols of a component are in its `abi` files, and the types over C that it alone uses
//! in `sys`. All other code is safe.

#[cfg(CONFIG_BLOCK)]
pub mod badblocks;
pub mod bindings;
pub mod bitops;
#[cfg(all(CONFIG_X86_64, CONFIG_BLOCK))]
pub mod block;
pub mod bug;
pub mod compat;
pub mod dax;
pub mod error;
pub mod export;
pub mod fmt;
pub mod fs;
pub mod idr;
#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
pub mod iomap;
pub mod ioport;
#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
pub mod iov;
#[cfg(all(CONFIG_X86_64, CONFIG_ZONE_DEVICE))]
pub mod memremap;
#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
pub mod mm;
#[cfg(all(CONFIG_X86_64, any(MODULE, CONFIG_LIBNVDIMM = "y")))]
pub mod nvdimm;
#[cfg(CONFIG_X86_64)]
pub mod pmem;
pub mod sync;
#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
pub mod task;
#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
pub mod timer;
#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
pub mod tracepoint;
pub mod types;
pub mod units;
#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
pub mod wait_bit;
#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
pub mod xarray;
