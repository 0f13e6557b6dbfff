// SPDX-License-Identifier: GPL-2.0

//! DAX devices: memory that is read and written in place, without a page cache.
//!
//! A driver implements [`Operations`] and keeps a [`Registration`] for as long as its memory can
//! be reached. The same driver runs over the C core and over the Rust core (`CONFIG_DAX_RUST`);
//! what only the latter understands is said to the former in the flags that it has.
//!
//! # Lifetime of a device
//!
//! A device is *alive* from its registration until [`Registration::kill`]. The core calls an
//! operation between `dax_read_lock()` and `dax_read_unlock()`, and killing waits for all who are
//! in there. So when `kill` returns, no operation runs, and none will run again. The device object
//! itself is reference counted and may outlive both (a filesystem that is still mounted holds one).
//!
//! C header: [`include/linux/dax.h`](srctree/include/linux/dax.h)

#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
pub mod client;
mod device;
#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
mod flush;
mod host;
mod operations;
mod registration;
mod types;

pub use device::DaxDevice;
#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
pub use flush::FileDevice;
pub use host::{
    DiskKey,
    Host, //
};
pub use operations::Operations;
pub use registration::{
    Properties,
    Registration, //
};
pub use types::{
    AccessMode,
    PageOffset,
    Translation, //
};

/// [`AccessMode`] as C passes it.
pub use crate::bindings::dax_access_mode as RawAccessMode;
