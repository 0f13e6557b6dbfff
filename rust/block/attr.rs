// SPDX-License-Identifier: GPL-2.0

//! Attributes of disks in sysfs.
//!
//! C headers: [`include/linux/device.h`](srctree/include/linux/device.h),
//! [`include/linux/sysfs.h`](srctree/include/linux/sysfs.h)

use super::data;
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
///
/// `D` is the driver's data of the disk.
///
/// # Examples
///
/// ```
/// use core::sync::atomic::{AtomicBool, Ordering};
/// use kernel::{prelude::*, str::CStr, sync::ArcBorrow};
/// use kernel_ext::block::attr::Switch;
///
/// struct Verbose;
///
/// impl Switch<AtomicBool> for Verbose {
///     const NAME: &'static CStr = c"verbose";
///
///     fn get(data: ArcBorrow<'_, AtomicBool>) -> Result<bool> {
///         Ok(data.load(Ordering::Relaxed))
///     }
///
///     fn set(data: ArcBorrow<'_, AtomicBool>, on: bool) -> Result {
///         data.store(on, Ordering::Relaxed);
///         Ok(())
///     }
/// }
/// ```
pub trait Switch<D>: 'static {
    /// The name of the file.
    const NAME: &'static CStr;

    /// Whether it is on.
    fn get(data: ArcBorrow<'_, D>) -> Result<bool>;

    /// Turns it on or off.
    fn set(data: ArcBorrow<'_, D>, on: bool) -> Result;
}

/// A directory of attributes of the disks whose driver's data is `D`.
///
/// # Invariants
///
/// `list` is an array of static tables that ends with NULL. Their functions expect a disk with the
/// data `D`.
///
/// # Examples
///
/// ```
/// use kernel_ext::block::attr::{Directory, Group};
///
/// const fn group<D: Send + Sync + 'static, Dir: Directory<D>>() -> Group<D> {
///     Group::of::<Dir>()
/// }
/// ```
#[repr(transparent)]
pub struct Group<D: Send + Sync + 'static> {
    /// The list of one group that C takes.
    list: [*const bindings::attribute_group; 2],
    _data: PhantomData<fn(D)>,
}

// SAFETY: By the type invariants the pointers lead to static tables, which are never written.
unsafe impl<D: Send + Sync + 'static> Sync for Group<D> {}

impl<D: Send + Sync + 'static> Group<D> {
    /// The directory `Dir`, which has one attribute.
    pub const fn of<Dir: Directory<D>>() -> Self {
        // INVARIANT: The constant is static, and its functions expect the data `D`.
        Self {
            list: [&Tables::<D, Dir>::GROUP, core::ptr::null()],
            _data: PhantomData,
        }
    }

    pub(super) fn as_raw(&'static self) -> *mut *const bindings::attribute_group {
        self.list.as_ptr().cast_mut()
    }
}

/// A directory with one attribute.
///
/// # Examples
///
/// ```
/// use core::marker::PhantomData;
/// use kernel::{prelude::*, str::CStr};
/// use kernel_ext::block::attr::{Directory, Switch};
///
/// struct Debug<S>(PhantomData<S>);
///
/// impl<D, S: Switch<D>> Directory<D> for Debug<S> {
///     const NAME: &'static CStr = c"debug";
///     type Attribute = S;
/// }
/// ```
pub trait Directory<D>: 'static {
    /// The name of the directory.
    const NAME: &'static CStr;

    /// Its attribute.
    type Attribute: Switch<D>;
}

/// The tables of C for the directory `Dir`.
struct Tables<D, Dir>(PhantomData<(D, Dir)>);

impl<D: Send + Sync + 'static, Dir: Directory<D>> Tables<D, Dir> {
    #[expect(clippy::disallowed_methods, reason = "`as_char_ptr` is not const")]
    const ATTRIBUTE: bindings::device_attribute = {
        let mut attr: bindings::device_attribute = pin_init::zeroed();
        attr.attr.name = <Dir::Attribute as Switch<D>>::NAME.as_ptr().cast();
        attr.attr.mode = 0o644;
        attr.__bindgen_anon_1.show = Some(show::<D, Dir::Attribute>);
        attr.__bindgen_anon_2.store = Some(store::<D, Dir::Attribute>);
        attr
    };

    const ATTRIBUTES: [*const bindings::attribute; 2] = [&Self::ATTRIBUTE.attr, core::ptr::null()];

    #[expect(clippy::disallowed_methods, reason = "`as_char_ptr` is not const")]
    const GROUP: bindings::attribute_group = {
        let mut group: bindings::attribute_group = pin_init::zeroed();
        group.name = Dir::NAME.as_ptr().cast();
        group.__bindgen_anon_2.attrs = core::ptr::from_ref(&Self::ATTRIBUTES).cast_mut().cast();
        group
    };
}

/// The driver's data of the disk whose device is `dev`.
///
/// # Safety
///
/// - `dev` must be the device (`disk_to_dev()`) of a disk whose driver's data is `D`.
/// - The disk must not be dropped during `'a`.
unsafe fn data_of<'a, D: Send + Sync + 'static>(dev: *mut bindings::device) -> ArcBorrow<'a, D> {
    // SAFETY: The caller ensures that `dev` is part of the block device of a whole disk.
    let disk = unsafe {
        let bdev = kernel::container_of!(dev, bindings::block_device, bd_device);
        (*bdev).bd_disk
    };
    // SAFETY: The caller ensures that the disk has an `Arc<D>`, and is not dropped during `'a`.
    unsafe { data::data(disk) }
}

/// Shows the attribute `A`.
///
/// # Safety
///
/// Only for sysfs:
///
/// - `dev` must be the device of a disk whose driver's data is `D`.
/// - The attributes of the disk must not have been removed; their removal waits for this function.
/// - `buf` must be valid for writes of a page.
unsafe extern "C" fn show<D: Send + Sync + 'static, A: Switch<D>>(
    dev: *mut bindings::device,
    _attr: *mut bindings::device_attribute,
    buf: *mut c_char,
) -> isize {
    // SAFETY:
    // - The caller ensures that this is the device of such a disk.
    // - A disk is dropped after its attributes have been removed, which waits for this function.
    match A::get(unsafe { data_of::<D>(dev) }) {
        Ok(on) => {
            let text = if on { b"1\n\0" } else { b"0\n\0" };
            // SAFETY: The caller ensures that `buf` has room for a page.
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
/// Only for sysfs:
///
/// - `dev` must be the device of a disk whose driver's data is `D`.
/// - The attributes of the disk must not have been removed; their removal waits for this function.
/// - `buf` must be valid for reads of `len` bytes, which stay as they are until this returns.
unsafe extern "C" fn store<D: Send + Sync + 'static, A: Switch<D>>(
    dev: *mut bindings::device,
    _attr: *mut bindings::device_attribute,
    buf: *const c_char,
    len: usize,
) -> isize {
    // SAFETY:
    // - The caller ensures that this is the device of such a disk.
    // - A disk is dropped after its attributes have been removed, which waits for this function.
    let data = unsafe { data_of::<D>(dev) };
    // SAFETY: The caller ensures that the bytes are valid for reads and stay as they are.
    let text = unsafe { core::slice::from_raw_parts(buf.cast::<u8>(), len) };
    match kstrtobool_bytes(text).and_then(|on| A::set(data, on)) {
        Ok(()) => len as isize,
        Err(e) => e.to_errno() as isize,
    }
}
