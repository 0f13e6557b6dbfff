// SPDX-License-Identifier: GPL-2.0

//! Making a disk and a DAX device of a namespace.
//!
//! Managed resources of the device that the driver is bound to are released in reverse order, after
//! an error or after the driver was unbound: the disk and the DAX device ([`Published`]), the lease
//! of the memory, the mapping, the [`PageMap`] that the mapping refers to, the claim on the memory.
//! Everything else is released by being dropped.

use super::{
    dax::PmemDax,
    device::PmemDevice,
    failure::{
        Handler,
        Link, //
    },
    geometry::Geometry,
    io::PmemDisk,
    sys::memory::{
        self,
        Memory, //
    }, //
};
use kernel::{
    c_str,
    dev_err,
    dev_warn,
    device::Core,
    prelude::*,
    sync::{
        aref::ARef,
        Arc, //
    }, //
};
use kernel_ext::{
    block::disk::{
        Disk,
        Limits,
        LiveDisk, //
    },
    dax::{
        Host,
        Properties,
        Registration, //
    },
    error::eopnotsupp,
    memremap::PageMap,
    nvdimm::{
        Namespace,
        NdDevice,
        OwnNamespace,
        Personality, //
    },
    units::{
        PhysRange,
        PAGE_SIZE, //
    }, //
};

/// A pmem device that has been added to the system.
///
/// Dropping it first ends all direct access, then removes the disk with its attributes, and gives
/// the DAX device back last, because the attributes refer to it.
pub(crate) struct Published {
    pub(crate) pmem: Arc<PmemDevice>,
    // Dropped in this order.
    pub(crate) disk: LiveDisk<PmemDevice>,
    dax: Option<Registration<PmemDax>>,
}

impl Drop for Published {
    fn drop(&mut self) {
        if let Some(dax) = &self.dax {
            dax.kill();
        }
    }
}

/// Makes a disk and a DAX device of the namespace `ns` of `dev`.
pub(crate) fn attach(dev: &NdDevice<Core<'_>>, ns: OwnNamespace<'_>) -> Result<Arc<Published>> {
    let link = Link::new()?;
    let plan = Plan::new(dev, ns, &link)?;
    let limits = limits(dev, &ns, plan.map.is_some());

    let claimed = ns.request_region().inspect_err(|_| {
        dev_warn!(
            dev.as_ref(),
            "could not reserve region [mem {:#010x}-{:#010x}]\n",
            plan.range.start().0,
            plan.range.last().0
        );
    })?;
    memory::with_memory(&claimed, plan.map, plan.geometry, |memory| {
        publish(dev, &ns, memory, limits, &link)
    })
}

/// Which part of the namespace is mapped, whether with `struct page`s, and how the data lies in it.
struct Plan {
    range: PhysRange,
    map: Option<Pin<KBox<PageMap<Handler>>>>,
    geometry: Geometry,
}

impl Plan {
    fn new(dev: &NdDevice<Core<'_>>, ns: OwnNamespace<'_>, link: &Arc<Link>) -> Result<Self> {
        // The info block is read by raw access, which ends here.
        let enabled = ns.enable()?;

        let range = ns.range()?;
        let mut map = None;
        let mut data_offset = 0;
        if let Personality::Pfn(pfn) = dev.personality() {
            let mut pages = PageMap::new(Handler(link.clone()))?;
            data_offset = match pfn.setup(&enabled, pages.as_mut()) {
                Ok(offset) => offset,
                Err(e) => {
                    enabled.leave_to_unbinding();
                    return Err(e);
                }
            };
            map = Some(pages);
        } else if dev.should_map_pages() {
            let mut pages = PageMap::new(Handler(link.clone()))?;
            pages.as_mut().set_range(range);
            map = Some(pages);
        }

        let mapped = map
            .as_ref()
            .map_or(Some(range), |pages| pages.range())
            .ok_or(EINVAL)?;
        let geometry = Geometry::new(range.bytes(), mapped, data_offset).ok_or_else(|| {
            dev_err!(
                dev.as_ref(),
                "no room for data: {:#x} of {:#x} bytes mapped, data offset {:#x}\n",
                mapped.bytes(),
                range.bytes(),
                data_offset
            );
            EINVAL
        })?;
        Ok(Self {
            range,
            map,
            geometry,
        })
    }
}

/// The limits and features of the disk.
fn limits(dev: &NdDevice<Core<'_>>, ns: &Namespace, has_pages: bool) -> Limits {
    let flush = dev.region().has_flush();
    if flush.is_none() {
        dev_warn!(dev.as_ref(), "unable to guarantee persistence of writes\n");
    }
    Limits {
        logical_block_size: ns.sector_size(),
        physical_block_size: PAGE_SIZE as u32,
        max_sectors: u32::MAX,
        write_cache: true,
        fua: flush == Some(true),
        synchronous: true,
        dax: has_pages,
    }
}

/// Adds the disk and the DAX device to the system.
fn publish(
    dev: &NdDevice<Core<'_>>,
    ns: &Namespace,
    memory: Memory,
    limits: Limits,
    link: &Link,
) -> Result<Published> {
    let pmem = Arc::pin_init(PmemDevice::new(dev, memory), GFP_KERNEL)?;
    pmem.populate_bad_blocks();
    let geometry = *pmem.memory.geometry();

    let mut disk = Disk::<PmemDisk>::new(limits, dev.numa_node(), pmem.clone())?;
    ns.name_disk(&mut disk);
    disk.set_capacity(geometry.capacity());
    disk.set_bad_blocks(|pmem| &pmem.bad_blocks);

    let properties = Properties {
        synchronous: pmem.region.is_synchronous(),
        write_cache: pmem.region.has_cache(),
        machine_checks: true,
        ..Properties::default()
    };
    let dax = match Registration::new(Host::Disk(disk.dax_key()), pmem.clone(), properties) {
        Ok(dax) => {
            pmem.dax.populate(ARef::from(dax.device()));
            link.set(geometry, ARef::from(dax.device()));
            Some(dax)
        }
        // The CPU caches of the platform do not allow DAX, but there is a disk all the same.
        Err(e) if e == eopnotsupp() => None,
        Err(e) => return Err(e),
    };

    let disk = disk.publish(dev.as_ref())?;
    dev.revalidate_read_only(&disk);
    if pmem
        .bad_blocks_file
        .attach(disk.device(), c_str!("badblocks"))
        .is_err()
    {
        dev_warn!(dev.as_ref(), "'badblocks' notification disabled\n");
    }
    Ok(Published { pmem, disk, dax })
}
