// SPDX-License-Identifier: GPL-2.0

//! The list of all devices in debugfs: `dax/devices`.
//!
//! One line per device, after a header line, in columns that are separated by blanks:
//!
//! | column | content |
//! |---|---|
//! | `minor` | the minor number of the device |
//! | `host` | the disk or the name under which it is found, `-` if there is none |
//! | `holder` | the filesystem or mapped device that uses it, as a hashed pointer, `-` if there is none |
//! | `flags` | state and properties, separated by commas, `-` if there is none |
//! | `operations` | the operations that the device has, separated by commas, `-` if there is none |

use crate::{
    device::{
        flag,
        DeviceObject, //
    },
    liveness,
    sys::{
        domain::DaxReading,
        operations::Name,
        tables::tables, //
    },
};
use kernel::{
    debugfs::{
        Dir,
        File,
        Writer, //
    },
    fmt,
    prelude::*, //
};
use kernel_ext::fmt::HashedPtr;

/// The files of the core.
#[pin_data]
pub(crate) struct Files {
    #[pin]
    devices: File<Listing>,
    // After the file, which is removed first.
    _dir: Dir,
}

impl Files {
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(|| {
            let dir = Dir::new(c"dax");
            Ok(try_pin_init!(Self {
                devices <- dir.read_only_file(c"devices", Listing),
                _dir: dir.clone(),
            }? Error))
        })
    }
}

/// All devices.
struct Listing;

impl Writer for Listing {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<6} {:<16} {:<16} {:<36} operations",
            "minor", "host", "holder", "flags"
        )?;
        let Ok(tables) = tables() else {
            return Ok(());
        };
        let guard = liveness::read_lock();
        let tables = tables.lock();
        for (minor, dev) in tables.devices() {
            let host = tables.host_of(dev);
            let host = host.as_ref().map_or("-", |name| name.as_str());
            write!(f, "{minor:<6} {host:<16} ")?;
            if dev.holder.is_held() {
                write!(f, "{:<16} ", HashedPtr(dev.holder.id().as_raw()))?;
            } else {
                write!(f, "{:<16} ", "-")?;
            }
            let written = write_names(f, flags(dev).iter())?;
            write!(f, "{:1$} ", "", 36usize.saturating_sub(written))?;
            write_operations(f, dev, guard.reading())?;
            writeln!(f)?;
        }
        Ok(())
    }
}

/// The state and the properties of a device: each with its name, and whether it applies.
fn flags(dev: &DeviceObject) -> [Name; 5] {
    [
        ("alive", dev.has(flag::ALIVE)),
        ("write_cache", dev.write_cache()),
        ("sync", dev.has(flag::SYNC)),
        ("nocache", dev.has(flag::NOCACHE)),
        ("nomc", dev.has(flag::NOMC)),
    ]
}

/// Writes the names of the operations that `dev` has. A dead device has no operations.
fn write_operations(
    f: &mut fmt::Formatter<'_>,
    dev: &DeviceObject,
    reading: DaxReading<'_>,
) -> fmt::Result {
    let dev = liveness::alive(dev, reading).ok();
    let base = dev.and_then(|dev| dev.operations()).map(|ops| ops.names());
    let optional = dev.and_then(|dev| dev.extended()).map(|ops| ops.names());
    let all = Iterator::chain(base.iter().flatten(), optional.iter().flatten());
    write_names(f, all).map(|_| ())
}

/// Writes the names that apply, separated by commas, or `-`; returns the number of characters.
fn write_names<'a>(
    f: &mut fmt::Formatter<'_>,
    names: impl Iterator<Item = &'a Name>,
) -> Result<usize, fmt::Error> {
    let mut written = 0;
    for (name, _) in names.filter(|(_, applies)| *applies) {
        if written > 0 {
            f.write_str(",")?;
            written += 1;
        }
        f.write_str(name)?;
        written += name.len();
    }
    if written == 0 {
        f.write_str("-")?;
        written = 1;
    }
    Ok(written)
}
