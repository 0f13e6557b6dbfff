// SPDX-License-Identifier: GPL-2.0

//! The list of all devices in debugfs: `dax/devices`.
//!
//! One line per device, after a header line, in columns that are separated by blanks:
//!
//! | column | content |
//! |---|---|
//! | `minor` | the minor number of the device |
//! | `host` | the disk or the name that it is found under, `-` if there is none |
//! | `holder` | who uses it, as a hashed pointer, `-` if there is none |
//! | `flags` | state and properties, separated by commas, `-` if there is none |
//! | `operations` | what the device can do by itself, separated by commas, `-` if there is none |

use crate::{
    dax_core,
    device::{
        flag,
        DaxDevice, //
    },
    liveness,
    ops::published, //
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
        let Ok(core) = dax_core() else {
            return Ok(());
        };
        let guard = liveness::read_lock();
        let tables = core.tables.lock();
        for (minor, dev) in tables.devices() {
            let host = tables.host_of(dev);
            let host = host.as_ref().map_or("-", |name| name.as_str());
            write!(f, "{minor:<6} {host:<16} ")?;
            if dev.holder.is_held() {
                write!(f, "{:<16} ", HashedPtr(dev.holder.data()))?;
            } else {
                write!(f, "{:<16} ", "-")?;
            }
            let written = write_names(f, &flags(dev))?;
            write!(f, "{:1$} ", "", 36usize.saturating_sub(written))?;
            write_names(f, &published(dev, guard.reading()))?;
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Names, of which those with `true` apply.
type Names<const N: usize> = [(&'static str, bool); N];

/// The state and the properties of a device.
fn flags(dev: &DaxDevice) -> Names<5> {
    [
        ("alive", dev.flags.test(flag::ALIVE)),
        ("write_cache", dev.write_cache()),
        ("sync", dev.flags.test(flag::SYNC)),
        ("nocache", dev.flags.test(flag::NOCACHE)),
        ("nomc", dev.flags.test(flag::NOMC)),
    ]
}

/// Writes the names that apply, separated by commas, or `-`; returns how many characters those are.
fn write_names<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    names: &Names<N>,
) -> Result<usize, fmt::Error> {
    let mut written = 0;
    for (name, _) in names.iter().filter(|(_, applies)| *applies) {
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
