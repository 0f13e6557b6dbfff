// SPDX-License-Identifier: GPL-2.0

//! Persistent memory: copies around the CPU cache and writing the cache back (x86).
//!
//! [`MappedRange`] is a mapped range of persistent memory. User space may have the same memory
//! mapped, so Rust code never refers to it: the range is copied to, copied from, zeroed and
//! flushed.
//!
//! # Durability
//!
//! Data is durable once it has left the CPU cache and a fence has followed. The functions here move
//! it out of the cache, without a fence of their own, as in C (`memcpy_flushcache()`,
//! `arch_wb_cache_pmem()`); `nvdimm_flush()` fences once for any number of copies. The exception is
//! [`MappedRange::copy_from_iter`].
//!
//! All functions may be called in any context, with the exception of copies from user space, which
//! sleep to take page faults.
//!
//! C headers: [`include/linux/libnvdimm.h`](srctree/include/linux/libnvdimm.h),
//! [`include/linux/uio.h`](srctree/include/linux/uio.h),
//! [`include/linux/uaccess.h`](srctree/include/linux/uaccess.h)

mod asm;
mod check;
mod copy;
mod iter;
mod range;
pub mod split;
mod user;

pub use range::MappedRange;
