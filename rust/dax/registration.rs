// SPDX-License-Identifier: GPL-2.0

//! The registration of a DAX device by its driver.

use super::{
    operations::OperationsVTable,
    DaxDevice,
    Host,
    Operations, //
};
use crate::bindings;
#[cfg(not(CONFIG_DAX_RUST))]
use crate::error::eopnotsupp;
use core::{
    marker::PhantomData,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    error::{
        from_err_ptr,
        to_result, //
    },
    ffi::c_void,
    prelude::*,
    str::CString,
    sync::atomic::{
        Atomic,
        Full, //
    },
    types::{
        ForeignOwnable,
        ScopeGuard, //
    },
};

/// The properties of a device that its driver declares when it registers the device.
///
/// # Examples
///
/// ```
/// use kernel_ext::dax::Properties;
///
/// // Memory behind CPU caches that keep their content at power loss (eADR).
/// let properties = Properties {
///     synchronous: true,
///     ..Properties::default()
/// };
/// # let _ = properties;
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Properties {
    /// Stores that have left the CPU caches are persistent, so `MAP_SYNC` may be granted.
    pub synchronous: bool,
    /// The CPU caches lose their content at power loss. Needs [`Operations::flush`].
    pub write_cache: bool,
    /// Writes must not leave the caches dirty, and there is no [`Operations::copy_from_iter`]:
    /// the core uses the architecture's copy around the caches (`DAXDEV_NOCACHE`).
    pub write_around_cache: bool,
    /// Reads may raise machine checks, and there is no [`Operations::copy_to_iter`]: the core uses
    /// the architecture's copy that survives them (`DAXDEV_NOMC`).
    pub machine_checks: bool,
}

/// The entry of a device in the tables of hosts, which is to be removed.
enum HostEntry {
    None,
    #[cfg(CONFIG_FS_DAX)]
    Disk(super::DiskKey),
    #[cfg_attr(not(CONFIG_DAX_RUST), expect(dead_code))]
    Name(CString),
}

/// A registered DAX device of the operations `T`.
///
/// Dropping it takes the device out of the lookup of its host, kills it, gives back the reference
/// and then drops the driver's data, in this order.
///
/// # The C core
///
/// Without `CONFIG_DAX_RUST` the optional operations are not called. A device that has
/// [`Operations::copy_from_iter`] gets the architecture's copy around the caches, one that has
/// [`Operations::copy_to_iter`] the copy that survives machine checks, and one that has
/// [`Operations::flush`] the architecture's write-back.
///
/// # Invariants
///
/// - `dev` is a device with operations of `T`, of which this object owns a reference.
/// - `data` came from `T::Data::into_foreign` and is the private data of `dev`.
/// - `data` is not given back to `T::Data::from_foreign` before the device is dead.
/// - `killed` is true only if the device is being killed, or dead.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::dax::{Host, Operations, Properties, Registration};
///
/// fn register<T: Operations>(memory: T::Data) -> Result<Registration<T>> {
///     Registration::new(Host::Name(c"example"), memory, Properties::default())
/// }
/// ```
pub struct Registration<T: Operations> {
    dev: NonNull<bindings::dax_device>,
    data: NonNull<c_void>,
    entry: HostEntry,
    killed: Atomic<bool>,
    _ops: PhantomData<T>,
}

// SAFETY:
// - `kill_dax()` and `put_dax()` may be called from any thread.
// - The data may be dropped in any thread, because `T::Data` is `Send`.
unsafe impl<T: Operations> Send for Registration<T> {}
// SAFETY:
// - A shared registration gives out the device, which is `Sync`, and not the data.
// - Only one caller gets past the exchange of `killed`.
unsafe impl<T: Operations> Sync for Registration<T> {}

impl<T: Operations> Registration<T> {
    /// Makes a device over `data` that is alive and can be found under `host`.
    ///
    /// Fails with `EINVAL` if `properties` ask for a write cache that nothing can flush, with
    /// `EOPNOTSUPP` if the CPU's caches do not allow DAX or the core cannot do a lookup by name,
    /// with `EBUSY` or `EEXIST` if the host has a device already, and with `ENOMEM`. May sleep.
    pub fn new(host: Host<'_>, data: T::Data, properties: Properties) -> Result<Self> {
        if properties.write_cache && !T::HAS_FLUSH {
            return Err(EINVAL);
        }

        let data = ScopeGuard::new_with_data(data.into_foreign(), |data| {
            // SAFETY:
            // - `data` came from `into_foreign`.
            // - No device has it: none was made, or the guard of that one, which is dropped before
            //   this one, has killed it.
            drop(unsafe { T::Data::from_foreign(data) });
        });
        let dev = ScopeGuard::new_with_data(Self::alloc(*data)?, |dev| {
            // SAFETY: `alloc` made the device, with a reference, which is given up here.
            unsafe {
                bindings::kill_dax(dev.as_ptr());
                bindings::put_dax(dev.as_ptr());
            }
        });
        Self::apply(*dev, properties);
        let entry = Self::add_host(*dev, host)?;

        let data = NonNull::new(data.dismiss()).ok_or(EINVAL)?;
        // INVARIANT: `alloc` made the device over `data` and gave us its reference.
        Ok(Self {
            dev: dev.dismiss(),
            data,
            entry,
            killed: Atomic::new(false),
            _ops: PhantomData,
        })
    }

    fn alloc(data: *mut c_void) -> Result<NonNull<bindings::dax_device>> {
        let ops = OperationsVTable::<T>::build();
        // SAFETY:
        // - The table is static.
        // - Its functions expect the data of this `T`, which lives until the device is dead.
        #[cfg(CONFIG_DAX_RUST)]
        let dev = unsafe { bindings::alloc_dax_ext(data, ops) };
        // SAFETY:
        // - The table, the first member of the extended one, is static.
        // - Its functions expect the data of this `T`, which lives until the device is dead.
        #[cfg(not(CONFIG_DAX_RUST))]
        let dev = unsafe { bindings::alloc_dax(data, &ops.base) };
        NonNull::new(from_err_ptr(dev)?).ok_or(ENOMEM)
    }

    fn apply(dev: NonNull<bindings::dax_device>, properties: Properties) {
        let dev = dev.as_ptr();
        let copies_from = !cfg!(CONFIG_DAX_RUST) && T::HAS_COPY_FROM_ITER;
        let copies_to = !cfg!(CONFIG_DAX_RUST) && T::HAS_COPY_TO_ITER;

        // SAFETY: `new` has the reference to `dev` that `alloc` returned.
        unsafe {
            if properties.write_around_cache || copies_from {
                bindings::set_dax_nocache(dev);
            }
            if properties.machine_checks || copies_to {
                bindings::set_dax_nomc(dev);
            }
            if properties.synchronous {
                bindings::set_dax_synchronous(dev);
            }
            bindings::dax_write_cache(dev, properties.write_cache);
        }
    }

    fn add_host(dev: NonNull<bindings::dax_device>, host: Host<'_>) -> Result<HostEntry> {
        match host {
            Host::None => Ok(HostEntry::None),
            #[cfg(CONFIG_FS_DAX)]
            Host::Disk(disk) => {
                // SAFETY:
                // - `new` has the reference to `dev` that `alloc` returned.
                // - The driver, which has the key from its disk, keeps that until it has registered
                //   its devices. The core follows no more than the name of the disk.
                to_result(unsafe { bindings::dax_add_host(dev.as_ptr(), disk.as_raw()) })?;
                Ok(HostEntry::Disk(disk))
            }
            #[cfg(not(CONFIG_FS_DAX))]
            Host::Disk(_) => Ok(HostEntry::None),
            #[cfg(CONFIG_DAX_RUST)]
            Host::Name(name) => {
                let name = CString::try_from(name)?;
                // SAFETY:
                // - `new` has the reference to `dev` that `alloc` returned.
                // - `name` is a C string, which the core copies.
                to_result(unsafe {
                    bindings::dax_add_host_name(dev.as_ptr(), name.as_char_ptr())
                })?;
                Ok(HostEntry::Name(name))
            }
            #[cfg(not(CONFIG_DAX_RUST))]
            Host::Name(_) => Err(eopnotsupp()),
        }
    }

    fn remove_host(&self) {
        match &self.entry {
            HostEntry::None => (),
            #[cfg(CONFIG_FS_DAX)]
            // SAFETY: The core compares the address, and does not follow it.
            HostEntry::Disk(disk) => unsafe { bindings::dax_remove_host(disk.as_raw()) },
            #[cfg(CONFIG_DAX_RUST)]
            // SAFETY: `name` is a C string, which the core does not keep.
            HostEntry::Name(name) => unsafe { bindings::dax_remove_host_name(name.as_char_ptr()) },
            #[cfg(not(CONFIG_DAX_RUST))]
            HostEntry::Name(_) => (),
        }
    }

    /// Ends the life of the device: no lookup finds it any more, and no operation runs when this
    /// returns.
    ///
    /// A holder hears of it first (`MF_MEM_PRE_REMOVE`) and may unmap the memory from user space.
    /// The device object stays until the registration is dropped, so a driver can kill it, remove
    /// its disk, whose attributes still refer to the device, and drop the registration last.
    /// May sleep. Only the first call does anything; a later one returns at once.
    pub fn kill(&self) {
        // ORDERING: Full, so that exactly one caller goes on. Another may return before it is done.
        if self.killed.xchg(true, Full) {
            return;
        }
        self.remove_host();
        // SAFETY: We own a reference to `dev` by the type invariant.
        unsafe { bindings::kill_dax(self.dev.as_ptr()) };
    }

    /// The device.
    #[inline]
    pub fn device(&self) -> &DaxDevice {
        // SAFETY: `self` owns a reference to `dev` by the type invariant, for as long as it lives.
        unsafe { DaxDevice::from_raw(self.dev) }
    }
}

impl<T: Operations> Deref for Registration<T> {
    type Target = DaxDevice;

    #[inline]
    fn deref(&self) -> &DaxDevice {
        self.device()
    }
}

impl<T: Operations> Drop for Registration<T> {
    fn drop(&mut self) {
        self.kill();
        // SAFETY: We own a reference by the type invariant, and do not use it again.
        unsafe { bindings::put_dax(self.dev.as_ptr()) };
        // SAFETY:
        // - `data` came from `into_foreign` by the type invariant.
        // - No operation borrows it: `kill_dax()` has returned, because no other caller of `kill` can
        //   be left while `self` is borrowed exclusively.
        // - No operation will borrow it: the core calls none for a dead device.
        drop(unsafe { T::Data::from_foreign(self.data.as_ptr()) });
    }
}
