// SPDX-License-Identifier: GPL-2.0

//! Drivers on the bus of non-volatile memory.

use super::device::NdDevice;
use crate::bindings;
use core::marker::PhantomData;
use kernel::{
    device::{
        self,
        Core, //
    },
    error::{
        from_result,
        to_result, //
    },
    ffi::{
        c_int,
        c_ulong, //
    },
    prelude::*,
    str::CStr,
    sync::{
        Arc,
        ArcBorrow, //
    },
    types::Opaque,
    ThisModule, //
};

/// An event of the bus that concerns a device (`enum nvdimm_event`).
///
/// # Examples
///
/// ```
/// use kernel_ext::nvdimm::Event;
///
/// fn is_known(event: Event) -> bool {
///     !matches!(event, Event::Unknown(_))
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// More of the memory is known to be bad.
    RevalidatePoison,
    /// The region has become read-only, or writable.
    RevalidateRegion,
    /// Something that this code does not know.
    Unknown(u32),
}

/// A set of kinds of namespaces that are persistent memory, for [`Driver::TYPES`].
///
/// # Examples
///
/// ```
/// use kernel_ext::nvdimm::{NamespaceTypes, NAMESPACE_IO, NAMESPACE_PMEM};
///
/// const BOTH: NamespaceTypes = NAMESPACE_IO.or(NAMESPACE_PMEM);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamespaceTypes(c_ulong);

impl NamespaceTypes {
    /// The kinds of both sets.
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Namespaces that are a range of memory with no label.
pub const NAMESPACE_IO: NamespaceTypes = NamespaceTypes(1 << bindings::ND_DEVICE_NAMESPACE_IO);

/// Namespaces of persistent memory with a label.
pub const NAMESPACE_PMEM: NamespaceTypes = NamespaceTypes(1 << bindings::ND_DEVICE_NAMESPACE_PMEM);

/// A driver of namespaces and their personalities.
///
/// The bus calls one of these functions at a time for a device, and holds the lock of the device
/// meanwhile. All of them may sleep.
///
/// # Examples
///
/// ```
/// use kernel::{device::Core, prelude::*, str::CStr, sync::{Arc, ArcBorrow}};
/// use kernel_ext::nvdimm::{Driver, Event, NamespaceTypes, NdDevice, NAMESPACE_IO};
///
/// struct Flusher;
///
/// impl Driver for Flusher {
///     type Data = ();
///
///     const NAME: &'static CStr = c"flusher";
///     const TYPES: NamespaceTypes = NAMESPACE_IO;
///
///     fn probe(_dev: &NdDevice<Core<'_>>) -> Result<Option<Arc<()>>> {
///         Ok(None)
///     }
///
///     fn remove(dev: &NdDevice<Core<'_>>, _data: Option<Arc<()>>) {
///         let _ = dev.region().flush();
///     }
///
///     fn notify(_dev: &NdDevice<Core<'_>>, _data: Option<ArcBorrow<'_, ()>>, _event: Event) {}
///
///     fn shutdown(dev: &NdDevice<Core<'_>>) {
///         let _ = dev.region().flush();
///     }
/// }
/// ```
pub trait Driver: 'static {
    /// The driver's data of a device that it is bound to.
    type Data: Send + Sync + 'static;

    /// The name of the driver.
    const NAME: &'static CStr;

    /// The kinds of namespaces that the driver takes, along with their personalities.
    const TYPES: NamespaceTypes;

    /// Binds the driver to `dev`, if this succeeds.
    ///
    /// The data is optional: the state of a `btt` is in its own structure. Managed resources of the
    /// device are released after [`Self::remove`], or after an error, in reverse order.
    fn probe(dev: &NdDevice<Core<'_>>) -> Result<Option<Arc<Self::Data>>>;

    /// Prepares for the driver to be unbound from `dev`.
    fn remove(dev: &NdDevice<Core<'_>>, data: Option<Arc<Self::Data>>);

    /// Reacts to a change of the region or the namespace.
    fn notify(dev: &NdDevice<Core<'_>>, data: Option<ArcBorrow<'_, Self::Data>>, event: Event);

    /// Prepares for the system to shut down.
    fn shutdown(dev: &NdDevice<Core<'_>>);
}

/// The functions through which C calls the driver `T`.
///
/// # The data of a device
///
/// The driver data of a device (`dev_get_drvdata()`) is the pointer of an [`Arc`], which the device
/// owns, or NULL. [`Self::probe`] sets it last, after [`Driver::probe`] has succeeded, and
/// [`Self::remove`] takes it back first. The bus holds the lock of the device during both and
/// during [`Self::notify`], so none of them runs at the same time as another.
///
/// Unlike with drivers of other buses (`kernel::driver`), the data is not freed between `remove`
/// and the release of managed resources. Resources that need it have an `Arc` of their own.
struct Adapter<T: Driver>(PhantomData<T>);

impl<T: Driver> Adapter<T> {
    /// The device as its driver sees it.
    ///
    /// # Safety
    ///
    /// - `dev` must be a device that the driver `T` is bound to or is being bound to.
    /// - The bus must hold the lock of the device for the lifetime `'a`.
    unsafe fn device<'a>(dev: *mut bindings::device) -> &'a NdDevice<Core<'a>> {
        // SAFETY: The caller ensures that the bus has the device and holds its lock, which is the
        // state that `Core` stands for.
        let dev = unsafe { device::Device::<Core<'_>>::from_raw(dev) };
        // SAFETY: A `NamespaceTypes` has no other kinds than namespaces, and the bus gives their
        // personalities the same types. Both are children of a region.
        unsafe { NdDevice::from_device(dev) }
    }

    /// The driver's data.
    ///
    /// # Safety
    ///
    /// - `dev` must be a device that the driver `T` is bound to.
    /// - The bus must hold the lock of the device for the lifetime `'a`.
    unsafe fn data<'a>(dev: *mut bindings::device) -> Option<ArcBorrow<'a, T::Data>> {
        // SAFETY: The caller ensures that this is a device.
        let data = unsafe { bindings::dev_get_drvdata(dev) };
        // SAFETY:
        // - `probe` took the pointer out of an `Arc<T::Data>`.
        // - Only `remove` takes it back, which does not run during `'a` because of the lock.
        (!data.is_null()).then(|| unsafe { ArcBorrow::from_raw(data.cast()) })
    }

    /// # Safety
    ///
    /// Only for the bus: `dev` must be a device that the driver `T` is being bound to, and the bus
    /// must hold its lock.
    unsafe extern "C" fn probe(dev: *mut bindings::device) -> c_int {
        from_result(|| {
            // SAFETY: The caller ensures both conditions until this function returns.
            let data = T::probe(unsafe { Self::device(dev) })?;
            let data = data.map_or(core::ptr::null(), Arc::into_raw);
            // SAFETY: The caller ensures that this is a device.
            unsafe { bindings::dev_set_drvdata(dev, data.cast_mut().cast()) };
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// Only for the bus: `dev` must be a device that the driver `T` is bound to, and the bus must
    /// hold its lock.
    unsafe extern "C" fn remove(dev: *mut bindings::device) {
        // SAFETY: The caller ensures that this is a device.
        let data: *const T::Data = unsafe { bindings::dev_get_drvdata(dev) }.cast();
        // SAFETY: The caller ensures that this is a device.
        unsafe { bindings::dev_set_drvdata(dev, core::ptr::null_mut()) };
        // SAFETY:
        // - `probe` took the pointer out of an `Arc<T::Data>`.
        // - The device does not have it any more, so it goes back into an `Arc` only here.
        let data = (!data.is_null()).then(|| unsafe { Arc::from_raw(data) });
        // SAFETY: The caller ensures both conditions until this function returns.
        T::remove(unsafe { Self::device(dev) }, data);
    }

    /// # Safety
    ///
    /// Only for the bus: `dev` must be a device that the driver `T` is bound to, and the bus must
    /// hold its lock.
    unsafe extern "C" fn shutdown(dev: *mut bindings::device) {
        // SAFETY: The caller ensures both conditions until this function returns.
        T::shutdown(unsafe { Self::device(dev) });
    }

    /// # Safety
    ///
    /// Only for the bus: `dev` must be a device that the driver `T` is bound to, and the bus must
    /// hold its lock.
    unsafe extern "C" fn notify(dev: *mut bindings::device, event: bindings::nvdimm_event) {
        let event = match event {
            bindings::nvdimm_event::NVDIMM_REVALIDATE_POISON => Event::RevalidatePoison,
            bindings::nvdimm_event::NVDIMM_REVALIDATE_REGION => Event::RevalidateRegion,
            other => Event::Unknown(other.0),
        };
        // SAFETY: The caller ensures both conditions of either function until this one returns.
        let (dev, data) = unsafe { (Self::device(dev), Self::data(dev)) };
        T::notify(dev, data, event);
    }
}

/// The registration of the driver `T`. Dropping it unbinds the driver from all of its devices.
///
/// # Invariants
///
/// `driver` is registered with the bus, and is not moved until it is unregistered.
///
/// # Examples
///
/// ```
/// use kernel::{prelude::*, ThisModule};
/// use kernel_ext::nvdimm::{Driver, Registration};
///
/// fn register<T: Driver>(module: &'static ThisModule) -> Result<Pin<KBox<Registration<T>>>> {
///     KBox::pin_init(Registration::new(c"example", module), GFP_KERNEL)
/// }
/// ```
#[pin_data(PinnedDrop)]
pub struct Registration<T: Driver> {
    #[pin]
    driver: Opaque<bindings::nd_device_driver>,
    _driver: PhantomData<T>,
}

// SAFETY: No function takes a shared registration.
unsafe impl<T: Driver> Sync for Registration<T> {}
// SAFETY: `driver_unregister()` may be called on any thread that may sleep.
unsafe impl<T: Driver> Send for Registration<T> {}

impl<T: Driver> Registration<T> {
    /// Registers the driver of the module `module`, whose name is `name`.
    pub fn new(name: &'static CStr, module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            // INVARIANT: Registered here, or there is no value; pinned.
            driver <- Opaque::try_ffi_init(|driver: *mut bindings::nd_device_driver| {
                let table = bindings::nd_device_driver {
                    drv: bindings::device_driver {
                        name: T::NAME.as_char_ptr(),
                        ..pin_init::zeroed()
                    },
                    type_: T::TYPES.0,
                    probe: Some(Adapter::<T>::probe),
                    remove: Some(Adapter::<T>::remove),
                    shutdown: Some(Adapter::<T>::shutdown),
                    notify: Some(Adapter::<T>::notify),
                };
                // SAFETY:
                // - `try_ffi_init` passes memory for the structure.
                // - The memory is pinned, and the driver is unregistered before it goes.
                // - The names are static, and the functions are those of the driver `T`, which only
                //   the bus gets to call.
                to_result(unsafe {
                    driver.write(table);
                    bindings::__nd_driver_register(driver, module.as_ptr(), name.as_char_ptr())
                })
            }),
            _driver: PhantomData,
        })
    }
}

#[pinned_drop]
impl<T: Driver> PinnedDrop for Registration<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants the driver is registered.
        unsafe { bindings::driver_unregister(&raw mut (*self.driver.get()).drv) };
    }
}
