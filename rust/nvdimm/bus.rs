// SPDX-License-Identifier: GPL-2.0

//! Buses of non-volatile memory, as the providers of their regions see them.

use crate::{
    bindings,
    units::PhysRange, //
};
use core::ptr::NonNull;
use kernel::{
    device::{
        self,
        Bound, //
    },
    prelude::*,
    str::CStr,
    types::Opaque,
    ThisModule, //
};

/// A bus that a provider has registered.
///
/// Dropping it removes the bus with everything on it, and waits until drivers are unbound from it.
///
/// # Invariants
///
/// - `bus` is registered.
/// - It refers to `_descriptor` until it has been unregistered.
///
/// # Examples
///
/// ```
/// use kernel::{device::{Bound, Device}, prelude::*, ThisModule};
/// use kernel_ext::{nvdimm::Bus, units::PhysRange};
///
/// fn provide(dev: &Device<Bound>, module: &'static ThisModule, range: PhysRange) -> Result<Bus> {
///     let bus = Bus::register(dev, c"example", module)?;
///     bus.add_region(range)?;
///     Ok(bus)
/// }
/// ```
pub struct Bus {
    bus: NonNull<bindings::nvdimm_bus>,
    // Dropped after the bus has been removed.
    _descriptor: KBox<Opaque<bindings::nvdimm_bus_descriptor>>,
}

// SAFETY: `nvdimm_bus_unregister()` may be called on any thread that may sleep.
unsafe impl Send for Bus {}
// SAFETY: `nvdimm_pmem_region_create()` takes the locks of the bus.
unsafe impl Sync for Bus {}

impl Bus {
    /// Registers a bus below `parent`, which sysfs says is made by `provider`.
    ///
    /// `module` cannot be unloaded while a device of the bus is in use. Fails with `ENOMEM`, or
    /// with `ENXIO` if the bus could not be registered. May sleep.
    pub fn register(
        parent: &device::Device<Bound>,
        provider: &'static CStr,
        module: &'static ThisModule,
    ) -> Result<Self> {
        let descriptor = KBox::new(
            Opaque::new(bindings::nvdimm_bus_descriptor {
                // CAST: C only reads the name.
                provider_name: provider.as_char_ptr().cast_mut(),
                module: module.as_ptr(),
                ..Default::default()
            }),
            GFP_KERNEL,
        )?;
        // CAST: `Device` is transparent to the C structure.
        let parent = core::ptr::from_ref(parent).cast_mut().cast();
        // SAFETY:
        // - `parent` is a bound device, as its type says.
        // - The descriptor is in a box of its own, which is freed after the bus has been
        //   unregistered. C reads it on behalf of devices and files of the bus only, which the
        //   removal waits for.
        let bus = unsafe { bindings::nvdimm_bus_register(parent, descriptor.get()) };
        // INVARIANT: Just registered, with the descriptor.
        Ok(Self {
            bus: NonNull::new(bus).ok_or(ENXIO)?,
            _descriptor: descriptor,
        })
    }

    /// Adds a region of persistent memory that may be mapped with `struct page`s.
    ///
    /// Without labels, the region is one namespace. Fails with `ENXIO` if libnvdimm refuses it,
    /// for which it says the reason in the kernel log. May sleep.
    pub fn add_region(&self, range: PhysRange) -> Result {
        let mut resource = bindings::resource {
            start: range.start().0,
            end: range.last().0,
            flags: bindings::IORESOURCE_MEM as usize,
            ..Default::default()
        };
        // SAFETY: `phys_to_target_node()` takes any address, and `numa_map_to_online_node()` any
        // node.
        let (node, target) = unsafe {
            let target = bindings::memory_target_node(range.start().0);
            (bindings::memory_online_node(target), target)
        };
        let mut region = bindings::nd_region_desc {
            res: &mut resource,
            numa_node: node,
            target_node: target,
            flags: 1 << bindings::ND_REGION_PAGEMAP,
            ..Default::default()
        };
        // SAFETY:
        // - By the type invariants the bus is registered.
        // - The function copies from the description, which is a local variable, and does not keep
        //   it.
        let region = unsafe { bindings::nvdimm_pmem_region_create(self.bus.as_ptr(), &mut region) };
        if region.is_null() {
            return Err(ENXIO);
        }
        Ok(())
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // SAFETY:
        // - By the type invariants the bus is registered, and its descriptor still there.
        // - `self` is the only handle to the bus, and is not used again.
        unsafe { bindings::nvdimm_bus_unregister(self.bus.as_ptr()) };
    }
}
