// SPDX-License-Identifier: GPL-2.0

//! Block I/O.

use super::{
    device::PmemDevice,
    poison,
    sysfs,
    THIS_MODULE, //
};
use kernel::{
    prelude::*,
    sync::ArcBorrow,
    ThisModule, //
};
use kernel_ext::{
    block::{
        attr::Group,
        bio::{
            Bio,
            Segment,
            Status, //
        },
        disk, //
    },
    pmem::MappedRange,
    units::Sectors, //
};

/// The disk of a pmem device.
pub(crate) struct PmemDisk;

impl disk::Operations for PmemDisk {
    type Data = PmemDevice;

    const MODULE: &'static ThisModule = &THIS_MODULE;
    const ATTRIBUTES: Option<&'static Group<Self>> = Some(&sysfs::DAX_GROUP);

    #[inline]
    fn submit(pmem: ArcBorrow<'_, PmemDevice>, bio: Bio) {
        if bio.is_preflush() {
            if let Err(e) = pmem.region.flush() {
                return bio.end(e.into());
            }
        }

        let accounting = bio.start_accounting();
        let status = transfer(&pmem, &bio);
        bio.end_accounting(accounting);

        if bio.is_fua() && status.is_ok() {
            return pmem.region.flush_then_end(bio);
        }
        bio.end(status);
    }
}

/// Moves the data of a bio, up to the first error.
#[inline]
fn transfer(pmem: &PmemDevice, bio: &Bio) -> Status {
    let result = if bio.is_write() {
        bio.segments().try_for_each(|segment| write(pmem, segment))
    } else {
        bio.segments().try_for_each(|segment| read(pmem, segment))
    };
    match result {
        Ok(()) => Status::OK,
        Err(e) => e.into(),
    }
}

#[inline]
fn window<'a>(pmem: &'a PmemDevice, segment: &Segment<'_>) -> MappedRange<'a> {
    pmem.window(segment.sector().into(), segment.len())
}

#[inline]
fn read(pmem: &PmemDevice, segment: Segment<'_>) -> Result {
    if pmem.bad_blocks.is_empty() {
        return segment.read_from(window(pmem, &segment));
    }
    each_page(segment, |part| {
        if is_bad(pmem, &part) {
            return Err(EIO);
        }
        part.read_from(window(pmem, &part))
    })
}

#[inline]
fn write(pmem: &PmemDevice, segment: Segment<'_>) -> Result {
    if pmem.bad_blocks.is_empty() {
        return segment.write_to(window(pmem, &segment));
    }
    each_page(segment, |part| {
        if is_bad(pmem, &part) {
            poison::clear(pmem, part.sector().into(), part.len() as u32)?;
        }
        part.write_to(window(pmem, &part))
    })
}

fn is_bad(pmem: &PmemDevice, part: &Segment<'_>) -> bool {
    let n = Sectors::in_bytes(part.len() as u64);
    pmem.bad_blocks.first_bad(part.sector(), n).is_some()
}

/// Does `step` for each page of a segment, because some of it may be bad.
#[cold]
fn each_page(segment: Segment<'_>, mut step: impl FnMut(Segment<'_>) -> Result) -> Result {
    let mut rest = Some(segment);
    while let Some(segment) = rest {
        let (part, after) = segment.split_page();
        step(part)?;
        rest = after;
    }
    Ok(())
}
