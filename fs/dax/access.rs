// SPDX-License-Identifier: GPL-2.0

//! The memory of an extent.

use crate::span::Span;
use kernel::prelude::*;
use kernel_ext::{
    dax::{
        client::{
            block_error,
            ReadGuard,
            Window, //
        },
        AccessMode, //
    },
    iomap::Map, //
};

/// The memory of the first pages of `span`, which is inside the extent `map`.
///
/// Fails with `EIO` if the first page has known poison, otherwise like
/// [`DaxDevice::direct_access`].
///
/// [`DaxDevice::direct_access`]: kernel_ext::dax::DaxDevice::direct_access
#[inline]
pub(crate) fn window<'a>(map: &'a Map, guard: &'a ReadGuard, span: Span) -> Result<Window<'a>> {
    map.dax_device()?
        .direct_access(
            guard,
            map.page_offset(span.start()),
            span.pages(),
            AccessMode::Access,
        )
        .map_err(block_error)
}
