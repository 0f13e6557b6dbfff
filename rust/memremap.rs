// SPDX-License-Identifier: GPL-2.0

//! Mapping physical ranges that are not RAM of the system, with or without `struct page`s.
//!
//! A driver first claims the range ([`request_region`]), which gives it the evidence that no other
//! driver uses the memory ([`Claimed`]). It then maps all of the range ([`remap`]), or with
//! `struct page`s the part of it that a [`PageMap`] describes. Both are managed resources of the
//! device: they end when its driver is unbound, after its `remove` and after the managed resources
//! that were registered later.
//!
//! C headers: [`include/linux/memremap.h`](srctree/include/linux/memremap.h),
//! [`include/linux/io.h`](srctree/include/linux/io.h)

#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
mod hold;
mod mapping;
mod page_map;

#[cfg(all(CONFIG_FS_DAX_RUST, not(MODULE)))]
pub use hold::{
    Frames,
    Hold, //
};
pub use mapping::{
    remap,
    request_region,
    Claimed,
    Mapping, //
};
pub use page_map::{
    clear_hwpoison,
    MemoryFailure,
    PageMap, //
};
