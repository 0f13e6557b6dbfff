// SPDX-License-Identifier: GPL-2.0

//! Writes to private mappings: the task gets a copy of the page.

use super::request::{
    Fault,
    Size, //
};
use kernel::prelude::*;
use kernel_ext::{
    dax::{
        client::read_lock,
        AccessMode, //
    },
    error::ehwpoison,
    iomap::{
        ExtentType,
        Map, //
    },
    mm::fault::{
        CowPage,
        FaultCode, //
    },
    units::PAGE_SIZE,
    warn_on_once, //
};

impl<S: Size> Fault<'_, S> {
    /// Makes `page` a copy of the data of the extent, and maps it.
    pub(super) fn copy_privately(&self, mut page: CowPage<'_>, map: &Map) -> FaultCode {
        let copied = match map.extent_type() {
            ExtentType::Hole | ExtentType::Unwritten => {
                page.clear();
                Ok(())
            }
            ExtentType::Mapped => self.read_storage(&mut page, map),
            ExtentType::Delalloc | ExtentType::Other => {
                warn_on_once!(true);
                Err(EIO)
            }
        };
        match copied {
            Ok(()) => page.finish(),
            Err(e) => FaultCode::from_error(e),
        }
    }

    /// Copies a page of storage. Fails with `EHWPOISON` at a memory error.
    fn read_storage(&self, page: &mut CowPage<'_>, map: &Map) -> Result {
        let guard = read_lock();
        let window = map.dax_device()?.direct_access(
            &guard,
            map.page_offset(self.pos()),
            S::ORDER.pages(),
            AccessMode::Access,
        )?;
        let bytes = window.bytes(0, PAGE_SIZE as usize);
        page.with_bytes(|page| bytes.read(0, page))
            .map_err(|_| ehwpoison())
    }
}
