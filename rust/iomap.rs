// SPDX-License-Identifier: GPL-2.0

//! Extent maps of files: where the filesystem keeps the bytes of a range.
//!
//! A filesystem answers with one extent at a time, and may hold resources for it until the caller
//! of iomap says how much of the extent it has processed. [`Iter`] asks for one extent after the
//! other, and says that.
//!
//! C header: [`include/linux/iomap.h`](srctree/include/linux/iomap.h)

mod change;
mod iter;
mod map;

pub use change::{
    change_extents,
    Extent,
    FileRange, //
};
pub use iter::Iter;
pub use map::{
    ExtentType,
    Map, //
};

use crate::bindings;
use core::ops::BitOr;
use kernel::types::Opaque;

/// How a filesystem is asked for extents (`struct iomap_ops`).
///
/// # Examples
///
/// ```
/// use kernel_ext::{bindings, iomap::Ops};
///
/// /// # Safety
/// ///
/// /// `ops` must be the complete table of a filesystem, be valid for `'a`, and be used only for
/// /// files of that filesystem.
/// unsafe fn table<'a>(ops: *const bindings::iomap_ops) -> &'a Ops {
///     // SAFETY: The conditions are the same.
///     unsafe { Ops::from_raw(ops) }
/// }
/// # let _ = table;
/// ```
///
/// # Invariants
///
/// The table is complete: it has `iomap_next()` or `iomap_begin()`, and what it has may be called,
/// where the caller may sleep, for each file that it is used for.
#[repr(transparent)]
pub struct Ops(Opaque<bindings::iomap_ops>);

impl Ops {
    /// The table at `ptr`.
    ///
    /// # Safety
    ///
    /// - `ptr` must be a complete table that is valid for `'a`.
    /// - During `'a`, the caller must use it only for files of the filesystem that has the table.
    #[inline]
    pub const unsafe fn from_raw<'a>(ptr: *const bindings::iomap_ops) -> &'a Self {
        // CAST: `Ops` is transparent to the C structure.
        // INVARIANT: The caller ensures that the table is complete, and which files it is used for.
        // SAFETY: The caller ensures that the pointer is valid for `'a`.
        unsafe { &*ptr.cast() }
    }

    #[inline]
    fn as_raw(&self) -> *const bindings::iomap_ops {
        self.0.get()
    }
}

/// The purpose for which the caller of iomap asks for extents (`IOMAP_WRITE` and others).
///
/// # Examples
///
/// ```
/// use kernel_ext::iomap::Flags;
///
/// fn flags(write: bool) -> Flags {
///     if write {
///         Flags::DAX | Flags::WRITE
///     } else {
///         Flags::DAX
///     }
/// }
/// # let _ = flags;
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Flags(u32);

impl Flags {
    /// Direct access. Without any other flag it is for reading.
    pub const DAX: Self = Self(bindings::IOMAP_DAX);
    /// Writing: the filesystem allocates blocks.
    pub const WRITE: Self = Self(bindings::IOMAP_WRITE);
    /// Zeroing: holes may stay.
    pub const ZERO: Self = Self(bindings::IOMAP_ZERO);
    /// A page fault.
    pub const FAULT: Self = Self(bindings::IOMAP_FAULT);
    /// Do not sleep; the filesystem answers `EAGAIN` instead.
    pub const NOWAIT: Self = Self(bindings::IOMAP_NOWAIT);
    /// The caller copies blocks that are shared with other files.
    pub const UNSHARE: Self = Self(bindings::IOMAP_UNSHARE);
}

impl BitOr for Flags {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
