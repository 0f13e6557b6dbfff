// SPDX-License-Identifier: GPL-2.0

//! Finding devices by their hosts.

#[cfg(all(CONFIG_BLOCK, CONFIG_FS_DAX))]
use crate::holding::get_claimed;
use crate::{
    device::DeviceObject,
    host::HostName,
    liveness,
    sys::tables::tables, //
};
#[cfg(all(CONFIG_BLOCK, CONFIG_FS_DAX))]
use crate::{
    host::DiskHost,
    sys::{
        block::{
            BlockDevice,
            Disk, //
        },
        holder::{
            HolderId,
            HolderOps, //
        },
        table::Lent,
    },
};
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

/// Makes `name` the host of a device. Fails with `EBUSY` if it is one already. Sleeps.
pub(crate) fn add_name(name: HostName, dev: &DeviceObject) -> Result {
    tables()?.lock().add_name(name, dev)
}

/// Undoes [`add_name`]. Sleeps.
pub(crate) fn remove_name(name: &HostName) {
    if let Ok(tables) = tables() {
        tables.lock().remove_name(name);
    }
}

/// The device under `name`. Fails with `ENODEV` or `ENXIO` if there is none, or it is dead. Sleeps.
pub(crate) fn by_name(name: &HostName) -> Result<ARef<DeviceObject>> {
    let dev = tables()?.lock().by_name(name).ok_or(ENODEV)?;
    let guard = liveness::read_lock();
    liveness::alive(&dev, guard.reading())?;
    drop(guard);
    Ok(dev)
}

/// Makes a disk the host of a device. Fails with `EBUSY` if it is one already. Sleeps.
#[cfg(all(CONFIG_BLOCK, CONFIG_FS_DAX))]
pub(crate) fn add_disk(disk: Disk<'_>, dev: &DeviceObject) -> Result {
    // A disk without a proper name is listed without one.
    let name = HostName::new(disk.name()).ok();
    tables()?
        .lock()
        .add_disk(DiskHost::new(disk.key(), name), dev)
}

/// Undoes [`add_disk`]. Sleeps.
#[cfg(all(CONFIG_BLOCK, CONFIG_FS_DAX))]
pub(crate) fn remove_disk(key: kernel_ext::dax::DiskKey) {
    if let Ok(tables) = tables() {
        tables.lock().remove_disk(key);
    }
}

/// Whether a block device begins and ends at the border of a page. The log says so if not.
#[cfg(all(CONFIG_BLOCK, CONFIG_FS_DAX))]
fn is_page_aligned(bdev: BlockDevice<'_>) -> bool {
    let page = kernel::page::PAGE_SIZE as u64;
    let (start, len) = (bdev.start(), bdev.len());
    if start % page != 0 || len % page != 0 {
        bdev.report_unaligned();
        return false;
    }
    true
}

/// The device of a block device that offers DAX, claimed for `holder`.
///
/// Fails if the block device is not aligned to pages, if there is no device, if it is dead, or if it
/// has a holder. Sleeps.
#[cfg(all(CONFIG_BLOCK, CONFIG_FS_DAX))]
pub(crate) fn by_bdev(
    bdev: BlockDevice<'_>,
    holder: HolderId,
    ops: Option<Lent<HolderOps>>,
) -> Result<ARef<DeviceObject>> {
    if !is_page_aligned(bdev) {
        return Err(EINVAL);
    }
    let key = bdev.disk().key();
    let dev = tables()?.lock().by_disk(key).ok_or(ENODEV)?;
    let guard = liveness::read_lock();
    let alive = liveness::alive(&dev, guard.reading())?;
    // A refusal drops the reference that the lookup took.
    get_claimed(alive, holder, ops)
}
