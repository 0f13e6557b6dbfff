// SPDX-License-Identifier: GPL-2.0

//! Folios, of which the models have their own.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum References {
    None,
    ToOnePage,
}
