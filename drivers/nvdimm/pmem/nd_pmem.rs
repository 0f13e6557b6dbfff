// SPDX-License-Identifier: GPL-2.0

//! Driver for persistent memory: makes block devices and DAX devices of namespaces.
//!
//! ```text
//!          nvdimm bus                  block layer             DAX core
//!              | probe, notify              | bio                  | dax_operations
//!              v                            v                      v
//! driver -> attach -> PmemDevice <-------- io <---- poison -----> dax -> copy engine
//!                     memory, bad blocks             failure <- memory failure
//! ```
//!
//! The C driver is `drivers/nvdimm/pmem.c`.

mod attach;
mod dax;
mod device;
mod driver;
mod failure;
mod geometry;
mod io;
mod notify;
mod poison;
mod sys;
mod sysfs;

kernel::prelude::module! {
    type: driver::PmemModule,
    name: "nd_pmem",
    authors: ["The rust-dax developers"],
    description: "NVDIMM Persistent Memory Driver",
    license: "GPL v2",
    alias: ["pmem", "nd:t4*", "nd:t5*"],
}
