// SPDX-License-Identifier: GPL-2.0

//! Character devices.
//!
//! C header: [`include/linux/cdev.h`](srctree/include/linux/cdev.h)

use crate::bindings;
use core::ops::RangeInclusive;
use kernel::{
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// The room for a `struct cdev`, which C code initialises, registers and takes back.
#[repr(transparent)]
pub struct Cdev(Opaque<bindings::cdev>);

impl Cdev {
    /// Zeroed, as static C objects are.
    pub const fn zeroed() -> Self {
        Self(Opaque::zeroed())
    }

    /// The object for C.
    #[inline]
    pub const fn as_raw(&self) -> *mut bindings::cdev {
        self.0.get()
    }
}

// SAFETY: Rust code does not look inside.
unsafe impl Send for Cdev {}
// SAFETY: Rust code does not look inside.
unsafe impl Sync for Cdev {}

/// A device number (`dev_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct DevT(bindings::dev_t);

impl DevT {
    /// The device number that C calls `raw`.
    pub const fn from_raw(raw: bindings::dev_t) -> Self {
        Self(raw)
    }

    /// The number as C knows it.
    pub const fn as_raw(self) -> bindings::dev_t {
        self.0
    }

    /// The number of the device among those of its driver.
    pub const fn minor(self) -> u32 {
        self.0 & bindings::MINORMASK
    }
}

/// A major number with all of its minor numbers, given back when this is dropped.
pub struct Region {
    first: DevT,
}

impl Region {
    const SIZE: u32 = bindings::MINORMASK + 1;

    /// The minor numbers that a region has.
    pub const MINORS: RangeInclusive<u32> = 0..=bindings::MINORMASK;

    /// Allocates a major number under `name` (for /proc/devices).
    pub fn new(name: &'static CStr) -> Result<Self> {
        let mut first = 0;
        // SAFETY: `first` is valid for a write, and `name` is a static C string.
        to_result(unsafe {
            bindings::alloc_chrdev_region(&mut first, 0, Self::SIZE, name.as_char_ptr())
        })?;
        Ok(Self { first: DevT(first) })
    }

    /// The device number of `minor`, if there is such a one.
    pub fn devt(&self, minor: u32) -> Option<DevT> {
        Self::MINORS
            .contains(&minor)
            .then_some(DevT(self.first.0 | minor))
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: The region was allocated with these values.
        unsafe { bindings::unregister_chrdev_region(self.first.0, Self::SIZE) };
    }
}
