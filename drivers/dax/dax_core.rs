// SPDX-License-Identifier: GPL-2.0

//! The DAX core: devices whose memory is read and written in place.
//!
//! Drivers (pmem, device-mapper, virtiofs, device-dax) register devices; filesystems find them
//! through their host and reach the memory through them. Everything outside speaks C: each module
//! here has its C symbols in a file `ffi.rs`, and `exports.c` exports them.
//!
//! # Locks
//!
//! - The SRCU domain ([`liveness`]): around everything that depends on a device being alive. May be
//!   held while anything else is taken, except by those who wait for it (killing a device, clearing
//!   its operations).
//! - The mutex of the [`host::Tables`]: innermost. The last reference to a device is never dropped
//!   under it, because destroying a device takes it.
//!
//! Flags, operations and the holder of a device are atomic.

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Mutex,
        SetOnce, //
    },
};
use kernel_ext::{
    cdev::Region,
    fs::pseudo::Type,
    idr::Ida, //
};

mod access;
mod debugfs;
mod device;
mod ffi;
mod holder;
mod host;
mod liveness;
mod ops;

/// What messages start with.
const __LOG_PREFIX: &[u8] = b"dax\0";

/// What the core has but once.
pub(crate) struct DaxCore {
    region: Region,
    minors: Pin<KBox<Ida>>,
    tables: Pin<KBox<Mutex<host::Tables>>>,
}

static CORE: SetOnce<DaxCore> = SetOnce::new();
static DEBUGFS: SetOnce<Pin<KBox<debugfs::Files>>> = SetOnce::new();

/// The core, or `ENXIO` if it could not be initialised.
pub(crate) fn dax_core() -> Result<&'static DaxCore> {
    CORE.as_ref().ok_or(ENXIO)
}

/// Initialises the core; `register_bus` makes the bus of device-dax.
///
/// Called once, when the kernel starts. Nothing stays behind if it fails.
pub(crate) fn init(register_bus: impl FnOnce() -> Result) -> Result {
    let core = DaxCore {
        region: Region::new(c"dax")?,
        minors: KBox::pin_init(Ida::new(), GFP_KERNEL)?,
        tables: KBox::pin_init(new_mutex!(host::Tables::new(), "dax_tables"), GFP_KERNEL)?,
    };
    let mount = device::Device::filesystem().mount()?;
    register_bus()?;
    mount.keep();
    CORE.populate(core);

    // The kernel runs without the list of devices.
    if let Ok(files) = KBox::pin_init(debugfs::Files::new(), GFP_KERNEL) {
        DEBUGFS.populate(files);
    }
    Ok(())
}
