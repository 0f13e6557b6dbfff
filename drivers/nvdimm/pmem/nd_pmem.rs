// SPDX-License-Identifier: GPL-2.0

//! Driver for persistent memory: makes block devices and DAX devices of namespaces.
//!
//! ```text
//!            nvdimm bus                  block layer             DAX core
//!                | probe, notify              | bio                  | dax_operations
//!                v                            v                      v
//!   nd_pmem -> attach -> PmemDevice <------- io <---- poison -----> dax -> copy engine
//!                        geometry, bad blocks         failure <- memory failure
//! ```
//!
//! The C driver is `drivers/nvdimm/pmem.c`.

use kernel::{
    c_str,
    device::Core,
    prelude::*,
    str::CStr,
    sync::{
        Arc,
        ArcBorrow, //
    },
    ThisModule, //
};
use kernel_ext::nvdimm::{
    self,
    Device,
    Event,
    Namespace,
    Personality, //
};

mod attach;
mod dax;
mod device;
mod failure;
mod ffi;
mod geometry;
mod io;
mod notify;
mod poison;
mod sysfs;

use attach::{
    attach,
    Published, //
};

module! {
    type: PmemModule,
    name: "nd_pmem",
    authors: ["The rust-dax developers"],
    description: "NVDIMM Persistent Memory Driver",
    license: "GPL v2",
    alias: ["pmem", "nd:t4*", "nd:t5*"],
}

#[pin_data]
struct PmemModule {
    #[pin]
    _driver: nvdimm::Registration<PmemDriver>,
}

impl kernel::InPlaceModule for PmemModule {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            _driver <- nvdimm::Registration::new(
                <Self as kernel::ModuleMetadata>::NAME,
                module,
            ),
        })
    }
}

struct PmemDriver;

impl nvdimm::Driver for PmemDriver {
    type Data = Published;

    const NAME: &'static CStr = c_str!("nd_pmem");
    const TYPES: usize = nvdimm::NAMESPACE_IO | nvdimm::NAMESPACE_PMEM;

    fn probe(dev: &Device<Core<'_>>) -> Result<Option<Arc<Published>>> {
        let ns = dev.namespace()?;
        match dev.personality() {
            Personality::Btt(_) => {
                ns.attach_btt()?;
                return Ok(None);
            }
            Personality::Pfn(_) => (),
            Personality::Raw => refuse_personality(dev, ns)?,
        }
        attach(dev, ns).map(Some)
    }

    fn remove(dev: &Device<Core<'_>>, _published: Option<Arc<Published>>) {
        if let Personality::Btt(btt) = dev.personality() {
            btt.detach();
        }
        // There is nobody to tell of an error.
        let _ = dev.region().flush();
    }

    fn notify(dev: &Device<Core<'_>>, published: Option<ArcBorrow<'_, Published>>, event: Event) {
        notify::notify(dev, published.as_deref(), event);
    }

    fn shutdown(dev: &Device<Core<'_>>) {
        // There is nobody to tell of an error.
        let _ = dev.region().flush();
    }
}

/// Fails if the info block of the namespace `dev` makes it something other than a disk.
///
/// `ENXIO` means that a personality has been created, to which the driver will be bound instead.
/// `EOPNOTSUPP` means that there is an info block which cannot be used: the bus goes on as if the
/// driver had been bound. `ENOMEM` means that nobody could look: a namespace whose info block was
/// not read must not be offered for writing over it. Without a valid info block the namespace is
/// raw.
fn refuse_personality(dev: &Device<Core<'_>>, ns: &Namespace) -> Result {
    let unusable = kernel_ext::error::eopnotsupp();
    let _enabled = ns.enable(dev)?;

    match dev.probe_btt(ns) {
        Ok(()) => return Err(ENXIO),
        Err(e) if e == ENOMEM => return Err(e),
        Err(_) => (),
    }
    for probe in [Device::probe_pfn, Device::probe_dax] {
        match probe(dev, ns) {
            Ok(()) => return Err(ENXIO),
            Err(e) if e == unusable || e == ENOMEM => return Err(e),
            Err(_) => (),
        }
    }
    Ok(())
}
