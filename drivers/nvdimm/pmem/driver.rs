// SPDX-License-Identifier: GPL-2.0

//! The driver as the nvdimm bus sees it.

use super::{
    attach::{
        attach,
        Published, //
    },
    notify, //
};
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
    Enabled,
    Event,
    NamespaceTypes,
    NdDevice,
    OwnNamespace,
    Personality, //
};

/// The module, which is registered with the bus while it is loaded.
#[pin_data]
pub(crate) struct PmemModule {
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
    const TYPES: NamespaceTypes = nvdimm::NAMESPACE_IO.or(nvdimm::NAMESPACE_PMEM);

    fn probe(dev: &NdDevice<Core<'_>>) -> Result<Option<Arc<Published>>> {
        let ns = dev.namespace()?;
        match dev.personality() {
            Personality::Btt(btt) => {
                btt.attach(&ns)?;
                return Ok(None);
            }
            Personality::Pfn(_) => (),
            Personality::Raw => refuse_personality(ns)?,
        }
        attach(dev, ns).map(Some)
    }

    fn remove(dev: &NdDevice<Core<'_>>, _published: Option<Arc<Published>>) {
        if let Personality::Btt(btt) = dev.personality() {
            btt.detach();
        }
        // The bus takes no error.
        let _ = dev.region().flush();
    }

    fn notify(dev: &NdDevice<Core<'_>>, published: Option<ArcBorrow<'_, Published>>, event: Event) {
        notify::notify(dev, published.as_deref(), event);
    }

    fn shutdown(dev: &NdDevice<Core<'_>>) {
        // The bus takes no error.
        let _ = dev.region().flush();
    }
}

/// Fails if the info block of a namespace makes it something other than a disk.
///
/// `ENXIO`: a personality has been created, to which the bus will bind the driver instead.
/// `EOPNOTSUPP`: the info block cannot be used, and the bus goes on as if the driver had been
/// bound. `ENOMEM`: the info block could not be read, so the namespace must not be offered for
/// writing over it. A namespace without a valid info block is raw.
fn refuse_personality(ns: OwnNamespace<'_>) -> Result {
    let unusable = kernel_ext::error::eopnotsupp();
    let enabled = ns.enable()?;

    match enabled.probe_btt() {
        Ok(()) => return Err(ENXIO),
        Err(e) if e == ENOMEM => return Err(e),
        Err(_) => (),
    }
    for probe in [Enabled::probe_pfn, Enabled::probe_dax] {
        match probe(&enabled) {
            Ok(()) => return Err(ENXIO),
            Err(e) if e == unusable || e == ENOMEM => return Err(e),
            Err(_) => (),
        }
    }
    Ok(())
}
