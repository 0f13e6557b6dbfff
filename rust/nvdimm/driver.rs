// SPDX-License-Identifier: GPL-2.0

//! Drivers on the bus of non-volatile memory.

use super::Device;
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

/// What the bus tells a driver about its device (`enum nvdimm_event`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// More of the memory is known to be bad.
    RevalidatePoison,
    /// The region has become read-only, or writable.
    RevalidateRegion,
    /// Something that this code does not know.
    Unknown(u32),
}

/// [`Driver::TYPES`]: namespaces that are a range of memory with no label.
pub const NAMESPACE_IO: usize = 1 << bindings::ND_DEVICE_NAMESPACE_IO;

/// [`Driver::TYPES`]: namespaces of persistent memory with a label.
pub const NAMESPACE_PMEM: usize = 1 << bindings::ND_DEVICE_NAMESPACE_PMEM;

/// A driver of namespaces and their personalities.
///
/// The bus calls one of these functions at a time for a device, and holds the lock of the device
/// meanwhile. All of them may sleep.
pub trait Driver: 'static {
    /// What the driver keeps for a device that it is bound to.
    type Data: Send + Sync + 'static;

    /// The name of the driver.
    const NAME: &'static CStr;

    /// The kinds of devices it is for, a set of [`NAMESPACE_IO`] and [`NAMESPACE_PMEM`].
    const TYPES: usize;

    /// Binds the driver to `dev`, if this succeeds.
    ///
    /// There need not be data: a `btt` has its driver's in itself. What was registered with the
    /// device is given back after [`Self::remove`], or after an error, in reverse order.
    fn probe(dev: &Device<Core<'_>>) -> Result<Option<Arc<Self::Data>>>;

    /// The driver is about to be unbound.
    fn remove(dev: &Device<Core<'_>>, data: Option<Arc<Self::Data>>);

    /// Something happened to the region or the namespace.
    fn notify(dev: &Device<Core<'_>>, data: Option<ArcBorrow<'_, Self::Data>>, event: Event);

    /// The system is about to shut down.
    fn shutdown(dev: &Device<Core<'_>>);
}

/// What C calls, for the driver `T`.
///
/// # The data of a device
///
/// The pointer to the data of the driver that a device has is that of an [`Arc`] which it owns. It
/// is set when [`Driver::probe`] has succeeded, as the last thing, and taken back before
/// [`Driver::remove`]. The bus calls neither of them, nor [`Driver::notify`], at the same time as
/// another, because it holds the lock of the device.
///
/// So unlike with drivers of other buses (`kernel::driver`), the data is not freed between
/// `remove` and the release of managed resources. What these still need, they have an `Arc` of.
pub struct Adapter<T: Driver>(PhantomData<T>);

impl<T: Driver> Adapter<T> {
    /// # Safety
    ///
    /// `dev` must be a device that the driver `T` is or is being bound to, and be locked by the
    /// bus for the lifetime `'a`.
    unsafe fn device<'a>(dev: *mut bindings::device) -> &'a Device<Core<'a>> {
        // SAFETY: The caller ensures that the device is valid, and in the state that `Core` says.
        let dev = unsafe { device::Device::<Core<'_>>::from_raw(dev) };
        // SAFETY: Drivers of these types are bound to namespaces and personalities only, which
        // live below a region.
        unsafe { Device::from_device(dev) }
    }

    /// # Safety
    ///
    /// As for [`Self::device`].
    unsafe fn data<'a>(dev: *mut bindings::device) -> Option<ArcBorrow<'a, T::Data>> {
        // SAFETY: The device is valid.
        let data = unsafe { bindings::dev_get_drvdata(dev) };
        // SAFETY: Only `probe` sets the pointer, and `remove` cannot run during `'a`.
        (!data.is_null()).then(|| unsafe { ArcBorrow::from_raw(data.cast()) })
    }

    /// # Safety
    ///
    /// Only for the bus: as for [`Self::device`].
    unsafe extern "C" fn probe(dev: *mut bindings::device) -> c_int {
        from_result(|| {
            // SAFETY: The caller ensures it.
            let data = T::probe(unsafe { Self::device(dev) })?;
            let data = data.map_or(core::ptr::null(), Arc::into_raw);
            // SAFETY: The device is valid.
            unsafe { bindings::dev_set_drvdata(dev, data.cast_mut().cast()) };
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// Only for the bus: as for [`Self::device`], and the driver must be bound.
    unsafe extern "C" fn remove(dev: *mut bindings::device) {
        // SAFETY: The device is valid.
        let data: *const T::Data = unsafe { bindings::dev_get_drvdata(dev) }.cast();
        // SAFETY: The device is valid.
        unsafe { bindings::dev_set_drvdata(dev, core::ptr::null_mut()) };
        // SAFETY: `probe` took the pointer out of an `Arc`, and this is the only place where it
        // goes back into one.
        let data = (!data.is_null()).then(|| unsafe { Arc::from_raw(data) });
        // SAFETY: The caller ensures it.
        T::remove(unsafe { Self::device(dev) }, data);
    }

    /// # Safety
    ///
    /// Only for the bus: as for [`Self::device`], and the driver must be bound.
    unsafe extern "C" fn shutdown(dev: *mut bindings::device) {
        // SAFETY: The caller ensures it.
        T::shutdown(unsafe { Self::device(dev) });
    }

    /// # Safety
    ///
    /// Only for the bus: as for [`Self::device`], and the driver must be bound.
    unsafe extern "C" fn notify(dev: *mut bindings::device, event: bindings::nvdimm_event) {
        let event = match event {
            bindings::nvdimm_event::NVDIMM_REVALIDATE_POISON => Event::RevalidatePoison,
            bindings::nvdimm_event::NVDIMM_REVALIDATE_REGION => Event::RevalidateRegion,
            other => Event::Unknown(other.0),
        };
        // SAFETY: The caller ensures it, for both.
        let (dev, data) = unsafe { (Self::device(dev), Self::data(dev)) };
        T::notify(dev, data, event);
    }
}

/// The registration of the driver `T`. Dropping it unbinds the driver from all of its devices.
#[pin_data(PinnedDrop)]
pub struct Registration<T: Driver> {
    #[pin]
    driver: Opaque<bindings::nd_device_driver>,
    _driver: PhantomData<T>,
}

// SAFETY: Nothing can be done with a shared registration.
unsafe impl<T: Driver> Sync for Registration<T> {}
// SAFETY: A driver may be unregistered by any thread that may sleep.
unsafe impl<T: Driver> Send for Registration<T> {}

impl<T: Driver> Registration<T> {
    /// Registers the driver of the module `module`, whose name is `name`.
    pub fn new(name: &'static CStr, module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            driver <- Opaque::try_ffi_init(|driver: *mut bindings::nd_device_driver| {
                let table = bindings::nd_device_driver {
                    drv: bindings::device_driver {
                        name: T::NAME.as_char_ptr(),
                        ..pin_init::zeroed()
                    },
                    type_: T::TYPES as c_ulong,
                    probe: Some(Adapter::<T>::probe),
                    remove: Some(Adapter::<T>::remove),
                    shutdown: Some(Adapter::<T>::shutdown),
                    notify: Some(Adapter::<T>::notify),
                };
                // SAFETY: The memory is valid for the structure, and stays where it is until the
                // registration is dropped, which unregisters the driver.
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
        // SAFETY: A registration exists only if the driver has been registered.
        unsafe { bindings::driver_unregister(&raw mut (*self.driver.get()).drv) };
    }
}
