// SPDX-License-Identifier: GPL-2.0

//! DAX devices: memory that is read and written in place, without a page cache.
//!
//! A driver implements [`Operations`] and keeps a [`Registration`] for as long as its memory can
//! be reached. The same driver runs over the C core and over the Rust core (`CONFIG_DAX_RUST`): over
//! the former, flags of the device take the place of the operations that only the latter calls.
//!
//! # Lifetime of a device
//!
//! A device is *alive* from its registration until [`Registration::kill`]. The core calls an
//! operation between `dax_read_lock()` and `dax_read_unlock()`, and killing waits for all readers
//! inside. So when `kill` returns, no operation runs, and none will run again. The device object is
//! reference counted and may outlive both: a filesystem that is still mounted has a reference.
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

/// [`AccessMode`] as C passes it (`enum dax_access_mode`).
pub use crate::bindings::dax_access_mode as RawAccessMode;
