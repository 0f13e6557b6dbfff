// SPDX-License-Identifier: GPL-2.0

//! The start of the core.

use crate::{
    debugfs,
    numbers::Numbers,
    sys::{
        filesystem,
        tables, //
    },
};
use kernel::{
    prelude::*,
    sync::SetOnce, //
};

static DEBUGFS: SetOnce<Pin<KBox<debugfs::Files>>> = SetOnce::new();

/// Initialises the core; `register_bus` makes the bus of device-dax.
///
/// Called once, when the kernel starts. Nothing stays behind if it fails.
pub(crate) fn init(register_bus: impl FnOnce() -> Result) -> Result {
    let numbers = Numbers::new()?;
    let tables = tables::Unpublished::new()?;
    let mount = filesystem::mount()?;
    register_bus()?;
    mount.keep();
    numbers.publish();
    tables.publish();

    // The kernel runs without the list of devices.
    if let Ok(files) = KBox::pin_init(debugfs::Files::new(), GFP_KERNEL) {
        DEBUGFS.populate(files);
    }
    Ok(())
}
