// SPDX-License-Identifier: GPL-2.0

//! The bus of non-volatile memory, as providers of regions and drivers of namespaces see it.
//!
//! A *region* is a range of persistent memory of the platform. It is divided into *namespaces*,
//! each of which is a device on the bus. A namespace that starts with an info block is claimed by
//! another device, its *personality*: a `btt` (sectors that are written atomically), a `pfn`
//! (memory for the `struct page`s of filesystem DAX) or a `dax` (device DAX).
//!
//! C headers: [`include/linux/nd.h`](srctree/include/linux/nd.h),
//! [`include/linux/libnvdimm.h`](srctree/include/linux/libnvdimm.h), and
//! `drivers/nvdimm/{nd,pfn}.h`, which are private to libnvdimm and its drivers.

mod bus;
mod device;
mod driver;
mod namespace;
mod own_namespace;
mod personality;
mod region;

pub use bus::Bus;
pub use device::NdDevice;
pub use driver::{
    Driver,
    Event,
    NamespaceTypes,
    Registration,
    NAMESPACE_IO,
    NAMESPACE_PMEM, //
};
pub use namespace::Namespace;
pub use own_namespace::{
    Enabled,
    OwnNamespace, //
};
pub use personality::{
    NdBtt,
    NdPfn,
    Personality, //
};
pub use region::Region;
