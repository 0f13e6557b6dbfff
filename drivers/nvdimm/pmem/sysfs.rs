// SPDX-License-Identifier: GPL-2.0

//! The directory `dax` of the disk in sysfs.
//!
//! Its file `write_cache` says whether `fsync()` writes the CPU caches back. Root can change that.

use super::device::PmemDevice;
use kernel::{
    c_str,
    prelude::*,
    str::CStr,
    sync::ArcBorrow, //
};
use kernel_ext::{
    block::attr::{
        Directory,
        Group,
        Switch, //
    },
    dax::DaxDevice, //
};

/// The directory.
pub(crate) static DAX_GROUP: Group<PmemDevice> = Group::of::<Dax>();

struct Dax;

impl Directory<PmemDevice> for Dax {
    const NAME: &'static CStr = c_str!("dax");
    type Attribute = WriteCache;
}

struct WriteCache;

impl Switch<PmemDevice> for WriteCache {
    const NAME: &'static CStr = c_str!("write_cache");

    fn get(pmem: ArcBorrow<'_, PmemDevice>) -> Result<bool> {
        Ok(dax_device(&pmem)?.write_cache())
    }

    fn set(pmem: ArcBorrow<'_, PmemDevice>, on: bool) -> Result {
        dax_device(&pmem)?.set_write_cache(on);
        Ok(())
    }
}

fn dax_device(pmem: &PmemDevice) -> Result<&DaxDevice> {
    Ok(pmem.dax.as_ref().ok_or(ENXIO)?)
}
