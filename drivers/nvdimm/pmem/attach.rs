// SPDX-License-Identifier: GPL-2.0

//! Making a disk and a DAX device of a namespace.
//!
//! What is registered with the device that the driver is bound to is given back in reverse order,
//! after an error or after the driver was unbound: the disk and the DAX device, the mapping, what
//! the mapping refers to, the claim on the memory. Everything else is given back by being dropped.

use super::{
    dax::PmemDax,
    device::PmemDevice,
    failure::{
        Handler,
        Link, //
    },
    ffi,
    geometry::Geometry,
    io::PmemDisk, //
};
use kernel::{
    c_str,
    dev_err,
    dev_warn,
    device::Core,
    devres,
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
        Device,
        Namespace,
        Personality, //
    },
    units::{
        PhysRange,
        PAGE_SIZE, //
    }, //
};

/// A pmem device that the system knows.
///
/// Dropping it first ends all direct access, then removes the disk with its attributes, and gives
/// the DAX device back last, because the attributes refer to it.
pub(crate) struct Published {
    pub(crate) pmem: Arc<PmemDevice>,
    // Dropped in this order.
    pub(crate) disk: LiveDisk<PmemDisk>,
    dax: Option<Registration<PmemDax>>,
}

impl Drop for Published {
    fn drop(&mut self) {
        if let Some(dax) = &self.dax {
            dax.kill();
        }
    }
}

/// Makes a disk and a DAX device of the namespace `ns`, which `dev` is or is the `pfn` of.
pub(crate) fn attach(dev: &Device<Core<'_>>, ns: &Namespace) -> Result<Arc<Published>> {
    let link = Link::new()?;
    let plan = Plan::new(dev, ns, &link)?;
    let limits = limits(dev, ns, plan.map.is_some());

    ns.request_region(dev).inspect_err(|_| {
        dev_warn!(
            dev.as_ref(),
            "could not reserve region [mem {:#010x}-{:#010x}]\n",
            plan.range.start().0,
            plan.range.last().0
        );
    })?;

    let geometry = plan.geometry;
    let mapping = ffi::map(dev, plan.range, plan.map)?;
    let pmem = Arc::pin_init(PmemDevice::new(dev, geometry, mapping), GFP_KERNEL)?;
    link.set(pmem.clone());
    if let Some(data) = geometry.data_range() {
        pmem.region.populate_bad_blocks(&pmem.bad_blocks, data);
    }

    let published = Arc::new(publish(dev, ns, pmem, limits)?, GFP_KERNEL)?;
    devres::register(dev.as_ref(), published.clone(), GFP_KERNEL)?;
    Ok(published)
}

/// What is to be mapped, and how the data lies in it.
struct Plan {
    range: PhysRange,
    map: Option<Pin<KBox<PageMap<Handler>>>>,
    geometry: Geometry,
}

impl Plan {
    fn new(dev: &Device<Core<'_>>, ns: &Namespace, link: &Arc<Link>) -> Result<Self> {
        // The info block is read by raw access, which ends here.
        let enabled = ns.enable(dev)?;

        let range = ns.range()?;
        let mut map = None;
        let mut data_offset = 0;
        if let Personality::Pfn(pfn) = dev.personality() {
            let mut pages = PageMap::new(Handler(link.clone()))?;
            data_offset = match pfn.setup(pages.as_mut()) {
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

/// What the disk says of itself.
fn limits(dev: &Device<Core<'_>>, ns: &Namespace, has_pages: bool) -> Limits {
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

/// Shows the device to the system.
fn publish(
    dev: &Device<Core<'_>>,
    ns: &Namespace,
    pmem: Arc<PmemDevice>,
    limits: Limits,
) -> Result<Published> {
    let mut disk = Disk::<PmemDisk>::new(limits, dev.numa_node(), pmem.clone())?;
    ns.name_disk(&mut disk);
    disk.set_capacity(pmem.geometry().capacity());
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
            Some(dax)
        }
        // The caches of this CPU do not allow it. There still is a disk.
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
