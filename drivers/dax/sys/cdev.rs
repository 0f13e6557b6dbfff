// SPDX-License-Identifier: GPL-2.0

//! Character devices and their numbers.
//!
//! C header: [`include/linux/cdev.h`](srctree/include/linux/cdev.h)

use core::ops::RangeInclusive;
use kernel::{
    error::to_result,
    prelude::*,
    types::Opaque, //
};
use kernel_ext::bindings;

/// Room for a `struct cdev`, which device-dax initialises, adds and deletes.
#[repr(transparent)]
pub(crate) struct Cdev(Opaque<bindings::cdev>);

impl Cdev {
    /// Zeroed, as static C objects are.
    pub(crate) const fn zeroed() -> Self {
        Self(Opaque::zeroed())
    }

    /// The object for C.
    #[inline]
    pub(crate) const fn as_raw(&self) -> *mut bindings::cdev {
        self.0.get()
    }
}

// SAFETY: Rust code never accesses the structure, and C may from any thread.
unsafe impl Send for Cdev {}
// SAFETY: Rust code never accesses the structure, and C synchronises its own accesses.
unsafe impl Sync for Cdev {}

/// A device number (`dev_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct DevT(bindings::dev_t);

impl DevT {
    /// The device number that C calls `raw`.
    pub(crate) const fn from_raw(raw: bindings::dev_t) -> Self {
        Self(raw)
    }

    /// The number as C knows it.
    pub(crate) const fn as_raw(self) -> bindings::dev_t {
        self.0
    }

    /// The number of the device among those of its driver.
    pub(crate) const fn minor(self) -> u32 {
        self.0 & bindings::MINORMASK
    }
}

/// A major number with all of its minor numbers, given back when this is dropped.
pub(crate) struct Region {
    first: DevT,
}

impl Region {
    const SIZE: u32 = bindings::MINORMASK + 1;

    /// The minor numbers that a region has.
    pub(crate) const MINORS: RangeInclusive<u32> = 0..=bindings::MINORMASK;

    /// Allocates a major number under `name` (for /proc/devices).
    pub(crate) fn new(name: &'static CStr) -> Result<Self> {
        let mut first = 0;
        // SAFETY:
        // - `first` is a local variable.
        // - `name` is a C string that lives as long as the region, because it is static.
        to_result(unsafe {
            bindings::alloc_chrdev_region(&mut first, 0, Self::SIZE, name.as_char_ptr())
        })?;
        Ok(Self { first: DevT(first) })
    }

    /// The device number of `minor`, if that is one of [`Self::MINORS`].
    pub(crate) fn devt(&self, minor: u32) -> Option<DevT> {
        Self::MINORS
            .contains(&minor)
            .then_some(DevT(self.first.0 | minor))
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: `new` allocated the region with these values, and only `drop` gives it back.
        unsafe { bindings::unregister_chrdev_region(self.first.0, Self::SIZE) };
    }
}
