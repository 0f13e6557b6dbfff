// SPDX-License-Identifier: GPL-2.0

//! Attributes of disks in sysfs.
//!
//! C headers: [`include/linux/device.h`](srctree/include/linux/device.h),
//! [`include/linux/sysfs.h`](srctree/include/linux/sysfs.h)

use super::disk::{
    self,
    Operations, //
};
use crate::bindings;
use core::marker::PhantomData;
use kernel::{
    ffi::c_char,
    prelude::*,
    str::{
        kstrtobool_bytes,
        CStr, //
    },
    sync::ArcBorrow, //
};

/// An attribute that is on or off, which root may change: the file says `0` or `1`.
pub trait Switch<T: Operations>: 'static {
    /// The name of the file.
    const NAME: &'static CStr;

    /// Whether it is on.
    fn get(data: ArcBorrow<'_, T::Data>) -> Result<bool>;

    /// Turns it on or off.
    fn set(data: ArcBorrow<'_, T::Data>, on: bool) -> Result;
}

/// A directory of attributes of the disks of `T`.
#[repr(transparent)]
pub struct Group<T: Operations> {
    /// The list of one group that C takes.
    list: [*const bindings::attribute_group; 2],
    _disk: PhantomData<T>,
}

// SAFETY: What the pointers lead to is static and never changes.
unsafe impl<T: Operations> Sync for Group<T> {}

impl<T: Operations> Group<T> {
    /// The directory `D`, which has one attribute.
    pub const fn of<D: Directory<T>>() -> Self {
        Self {
            list: [&Tables::<T, D>::GROUP, core::ptr::null()],
            _disk: PhantomData,
        }
    }

    pub(super) fn as_raw(&'static self) -> *mut *const bindings::attribute_group {
        self.list.as_ptr().cast_mut()
    }
}

/// Which attribute a directory has.
pub trait Directory<T: Operations>: 'static {
    /// The name of the directory.
    const NAME: &'static CStr;

    /// Its attribute.
    type Attribute: Switch<T>;
}

/// The tables of C for the directory `D`.
struct Tables<T, D>(PhantomData<(T, D)>);

impl<T: Operations, D: Directory<T>> Tables<T, D> {
    #[expect(clippy::disallowed_methods, reason = "`as_char_ptr` is not const")]
    const ATTRIBUTE: bindings::device_attribute = {
        let mut attr: bindings::device_attribute = pin_init::zeroed();
        attr.attr.name = <D::Attribute as Switch<T>>::NAME.as_ptr().cast();
        attr.attr.mode = 0o644;
        attr.__bindgen_anon_1.show = Some(show::<T, D::Attribute>);
        attr.__bindgen_anon_2.store = Some(store::<T, D::Attribute>);
        attr
    };

    const ATTRIBUTES: [*const bindings::attribute; 2] = [&Self::ATTRIBUTE.attr, core::ptr::null()];

    #[expect(clippy::disallowed_methods, reason = "`as_char_ptr` is not const")]
    const GROUP: bindings::attribute_group = {
        let mut group: bindings::attribute_group = pin_init::zeroed();
        group.name = D::NAME.as_ptr().cast();
        group.__bindgen_anon_2.attrs = core::ptr::from_ref(&Self::ATTRIBUTES).cast_mut().cast();
        group
    };
}

/// The disk whose device is `dev`.
///
/// # Safety
///
/// `dev` must be the device of a disk (`disk_to_dev()`).
unsafe fn disk_of(dev: *mut bindings::device) -> *mut bindings::gendisk {
    // SAFETY: By the requirement `dev` is embedded in the block device of the whole disk.
    unsafe {
        let bdev = kernel::container_of!(dev, bindings::block_device, bd_device);
        (*bdev).bd_disk
    }
}

/// Shows the attribute `A`.
///
/// # Safety
///
/// Only for sysfs: `dev` must be the device of a disk of `T` that has been added and whose
/// attributes have not been removed; `buf` must be valid for writes of a page.
unsafe extern "C" fn show<T: Operations, A: Switch<T>>(
    dev: *mut bindings::device,
    _attr: *mut bindings::device_attribute,
    buf: *mut c_char,
) -> isize {
    // SAFETY: The disk is not dropped before sysfs has returned from its attributes.
    let data = unsafe { disk::data::<T>(disk_of(dev)) };
    match A::get(data) {
        Ok(on) => {
            let text = if on { b"1\n\0" } else { b"0\n\0" };
            // SAFETY: The caller ensures that `buf` has room.
            unsafe { buf.cast::<[u8; 3]>().write(*text) };
            2
        }
        Err(e) => e.to_errno() as isize,
    }
}

/// Changes the attribute `A`.
///
/// # Safety
///
/// As for [`show`], but `buf` must be valid for reads of `len` bytes.
unsafe extern "C" fn store<T: Operations, A: Switch<T>>(
    dev: *mut bindings::device,
    _attr: *mut bindings::device_attribute,
    buf: *const c_char,
    len: usize,
) -> isize {
    // SAFETY: The disk is not dropped before sysfs has returned from its attributes.
    let data = unsafe { disk::data::<T>(disk_of(dev)) };
    // SAFETY: The caller ensures that it is valid; sysfs leaves it alone meanwhile.
    let text = unsafe { core::slice::from_raw_parts(buf.cast::<u8>(), len) };
    match kstrtobool_bytes(text).and_then(|on| A::set(data, on)) {
        Ok(()) => len as isize,
        Err(e) => e.to_errno() as isize,
    }
}
