// SPDX-License-Identifier: GPL-2.0

//! Makes a region of each range of persistent memory in the e820 map.
//!
//! The kernel parameter `memmap=nn!ss`, and firmware that is older than the ACPI table for
//! persistent memory, mark its ranges with type 12 in the e820 map. If there are any, the kernel
//! makes a platform device `e820_pmem` (`arch/x86/kernel/pmem.c`), to which this driver binds.
//!
//! The C driver is `drivers/nvdimm/e820.c`.

use kernel::{
    device::Core,
    driver,
    platform,
    prelude::*,
    ThisModule, //
};
use kernel_ext::{
    ioport::walk_legacy_pmem,
    nvdimm::Bus, //
};

/// The bus, with one region for each range. Unbinding the driver drops and so removes it.
struct E820Pmem(#[expect(dead_code)] Bus);

impl platform::Driver for E820Pmem {
    type IdInfo = ();
    type Data<'bound> = Self;

    fn probe<'bound>(
        pdev: &'bound platform::Device<Core<'_>>,
        _id_info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        register(pdev).inspect_err(|_| {
            dev_err!(
                pdev.as_ref(),
                "failed to register legacy persistent memory ranges\n"
            );
        })
    }
}

fn register(pdev: &platform::Device<Core<'_>>) -> Result<E820Pmem> {
    let dev = pdev.as_ref();
    let bus = Bus::register(dev, c"e820", kernel_ext::compat::this_module!())?;
    walk_legacy_pmem(|range| {
        bus.add_region(range).inspect_err(|_| {
            dev_err!(
                dev,
                "cannot make a region of [mem {:#010x}-{:#010x}]\n",
                range.start().0,
                range.last().0
            );
        })
    })?;
    Ok(E820Pmem(bus))
}

#[pin_data]
struct E820Module {
    #[pin]
    _driver: driver::Registration<platform::Adapter<E820Pmem>>,
}

impl kernel::InPlaceModule for E820Module {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            // The platform bus matches by this name, which is not that of the module.
            _driver <- driver::Registration::new(c"e820_pmem", module),
        })
    }
}

module! {
    type: E820Module,
    name: "nd_e820",
    authors: ["The rust-dax developers"],
    description: "NVDIMM support for e820 type-12 memory",
    license: "GPL v2",
    alias: ["platform:e820_pmem*"],
}
