// SPDX-License-Identifier: GPL-2.0

//! Block I/O.

use super::{
    device::PmemDevice,
    poison,
    sysfs, //
};
use kernel::{
    prelude::*,
    sync::ArcBorrow,
    ThisModule, //
};
use kernel_ext::{
    block::{
        attr::Group,
        bio::Bio,
        disk,
        segment::{
            Load,
            Segment,
            Segments,
            Store,
            Transfer, //
        },
        status::Status, //
    },
    units::Sectors, //
};

/// The disk of a pmem device.
pub(crate) struct PmemDisk;

impl disk::Operations for PmemDisk {
    type Data = PmemDevice;

    const MODULE: &'static ThisModule = kernel_ext::compat::this_module!();
    const ATTRIBUTES: Option<&'static Group<PmemDevice>> = Some(&sysfs::DAX_GROUP);

    #[inline]
    fn submit(pmem: ArcBorrow<'_, PmemDevice>, bio: Bio) {
        if bio.is_preflush() {
            if let Err(e) = pmem.region.flush() {
                return bio.end(e.into());
            }
        }

        // The statistics count transfers, and not a flush without data.
        let status = if bio.bytes() == 0 {
            Status::OK
        } else {
            let accounting = bio.start_accounting();
            let status = match transfer(&pmem, &bio) {
                Ok(()) => Status::OK,
                Err(e) => e.into(),
            };
            bio.end_accounting(accounting);
            status
        };

        if bio.is_fua() && status.is_ok() {
            return pmem.region.flush_then_end(bio);
        }
        bio.end(status);
    }
}

/// Moves the data of a bio, up to the first error.
#[inline]
fn transfer(pmem: &PmemDevice, bio: &Bio) -> Result {
    // The block layer has compared the bio with the capacity of the disk, so this does not fail.
    let memory = pmem
        .memory
        .window(bio.sector().into(), bio.bytes() as usize)
        .ok_or(EIO)?;
    match bio.transfer(memory)? {
        Transfer::Load(mut segments) if pmem.bad_blocks.is_empty() => {
            segments.try_for_each(|segment| segment.load())
        }
        Transfer::Store(segments) if pmem.bad_blocks.is_empty() => {
            segments.for_each(|segment| segment.store());
            Ok(())
        }
        Transfer::Load(segments) => read_good(pmem, segments),
        Transfer::Store(segments) => repair_and_write(pmem, segments),
    }
}

/// Reads up to the first page with a bad sector.
#[cold]
fn read_good(pmem: &PmemDevice, segments: Segments<'_, Load>) -> Result {
    each_page(segments, |part| {
        if is_bad(pmem, &part) {
            return Err(EIO);
        }
        part.load()
    })
}

/// Repairs the pages with a bad sector and writes, up to the first page that cannot be repaired.
#[cold]
fn repair_and_write(pmem: &PmemDevice, segments: Segments<'_, Store>) -> Result {
    each_page(segments, |part| {
        if is_bad(pmem, &part) {
            poison::clear(pmem, part.sector().into(), part.bytes())?;
        }
        part.store();
        Ok(())
    })
}

fn is_bad<D>(pmem: &PmemDevice, part: &Segment<'_, D>) -> bool {
    let n = Sectors::in_bytes(part.bytes().into());
    pmem.bad_blocks.first_bad(part.sector(), n).is_some()
}

/// Calls `step` for each page of the segments.
fn each_page<D>(
    segments: Segments<'_, D>,
    mut step: impl FnMut(Segment<'_, D>) -> Result,
) -> Result {
    for segment in segments {
        let mut rest = Some(segment);
        while let Some(segment) = rest {
            let (part, after) = segment.split_page();
            step(part)?;
            rest = after;
        }
    }
    Ok(())
}
