// SPDX-License-Identifier: GPL-2.0

//! Lists of the sectors of a disk that are known to be bad.
//!
//! C header: [`include/linux/badblocks.h`](srctree/include/linux/badblocks.h)

use crate::{
    bindings,
    units::{
        Sector,
        Sectors, //
    }, //
};
use kernel::{
    error::to_result,
    ffi::c_int,
    prelude::*,
    str::CStr,
    sync::atomic::{
        Acquire,
        Atomic,
        Full, //
    },
    types::Opaque, //
};

/// A list of bad sectors (`struct badblocks`), empty at first.
///
/// # Invariants
///
/// `badblocks_init()` has initialized the list.
///
/// # Examples
///
/// ```
/// use kernel::prelude::*;
/// use kernel_ext::{badblocks::BadBlocks, units::{Sector, Sectors}};
///
/// let list = KBox::pin_init(BadBlocks::new(), GFP_KERNEL)?;
/// assert!(list.record(Sector(8), Sectors(2)));
/// assert_eq!(list.first_bad(Sector(0), Sectors(16)), Some(Sector(8)));
/// # Ok::<(), Error>(())
/// ```
#[pin_data(PinnedDrop)]
#[repr(transparent)]
pub struct BadBlocks {
    #[pin]
    list: Opaque<bindings::badblocks>,
}

/// The most sectors that one call of `badblocks_check()` may be asked about: it counts in `int`.
const CHECK_MAX: u64 = 1 << 30;

impl BadBlocks {
    /// Makes an empty list. May sleep; fails with `ENOMEM`.
    pub fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            // INVARIANT: Initialized here.
            list <- Opaque::try_ffi_init(|list: *mut bindings::badblocks| {
                // SAFETY: `try_ffi_init` passes memory for the structure, for which zeros are
                // valid; the function initializes the rest.
                to_result(unsafe {
                    list.write_bytes(0, 1);
                    bindings::badblocks_init(list, 1)
                })
            }),
        })
    }

    /// The list as C names it.
    #[inline]
    pub fn as_raw(&self) -> *mut bindings::badblocks {
        self.list.get()
    }

    /// Whether no sector is known to be bad.
    ///
    /// The answer may be out of date at once, as in C: this is the check of the hot path.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // SAFETY:
        // - By the type invariants the list is initialized.
        // - C changes the count under a lock and reads it without. There the read compiles to
        //   the same load as a volatile read of an aligned `int` here.
        unsafe { (&raw const (*self.as_raw()).count).read_volatile() == 0 }
    }

    /// The first sector known to be bad of the `n` sectors from `start` on, if any.
    #[inline]
    pub fn first_bad(&self, start: Sector, n: Sectors) -> Option<Sector> {
        if self.is_empty() {
            return None;
        }
        self.search(start, n)
    }

    #[cold]
    fn search(&self, start: Sector, n: Sectors) -> Option<Sector> {
        let end = start.0.saturating_add(n.0);
        let mut at = start.0;
        while at < end {
            let step = (end - at).min(CHECK_MAX);
            let (mut first_bad, mut bad_sectors) = (0, 0);
            // SAFETY:
            // - By the type invariants the list is initialized; C takes its lock.
            // - The results go to local variables.
            let bad = unsafe {
                bindings::badblocks_check(self.as_raw(), at, step, &mut first_bad, &mut bad_sectors)
            };
            if bad != 0 {
                // The record that was found may begin before `at`.
                return Some(Sector(first_bad.max(at)));
            }
            at += step;
        }
        None
    }

    /// Forgets that the `n` sectors from `start` on were bad.
    pub fn clear(&self, start: Sector, n: Sectors) {
        // SAFETY: By the type invariants the list is initialized; C takes its lock.
        unsafe { bindings::badblocks_clear(self.as_raw(), start.0, n.0) };
    }

    /// Records that the `n` sectors from `start` on are bad. Returns whether there was room.
    pub fn record(&self, start: Sector, n: Sectors) -> bool {
        // SAFETY: By the type invariants the list is initialized; C takes its lock.
        unsafe { bindings::badblocks_set(self.as_raw(), start.0, n.0, 1 as c_int) }
    }
}

#[pinned_drop]
impl PinnedDrop for BadBlocks {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants the list is initialized, and it is not used again.
        unsafe { bindings::badblocks_exit(self.as_raw()) };
    }
}

// SAFETY: The list may be freed by any thread.
unsafe impl Send for BadBlocks {}
// SAFETY: The functions of C take the lock of the list; `is_empty()` reads without, as in C.
unsafe impl Sync for BadBlocks {}

/// A file in sysfs that tasks poll for changes (`poll()` on `badblocks`).
///
/// It is found once and then kept until the notifier is dropped. Notifying about a file that has
/// been removed from sysfs in the meantime does nothing.
///
/// # Invariants
///
/// - The pointer is NULL, or owns a reference to a node of sysfs.
/// - Once it is not NULL, it does not change.
///
/// # Examples
///
/// ```
/// use kernel::{device::Device, prelude::*};
/// use kernel_ext::badblocks::Notifier;
///
/// fn attach_and_notify(notifier: &Notifier, dev: &Device) -> Result {
///     notifier.attach(dev, c"badblocks")?;
///     notifier.notify();
///     Ok(())
/// }
/// ```
#[repr(transparent)]
pub struct Notifier(Atomic<*mut bindings::kernfs_node>);

impl Notifier {
    /// A notifier that does not know its file yet, so that notifying does nothing.
    #[inline]
    pub const fn new() -> Self {
        // INVARIANT: The pointer is NULL.
        Self(Atomic::new(core::ptr::null_mut()))
    }

    /// Looks up the file `name` in the directory of a device.
    ///
    /// Fails with `ENOENT` if there is none, and with `EBUSY` if the file is known already.
    pub fn attach(&self, dev: &kernel::device::Device, name: &CStr) -> Result {
        // CAST: `Device` is transparent to `struct device`.
        let dev: *const bindings::device = core::ptr::from_ref(dev).cast();
        // SAFETY:
        // - By the type invariants of `Device` this is a device.
        // - Its directory in sysfs is NULL before the device has been added, which is checked;
        //   afterwards the device keeps it for as long as the device has been added.
        let node = unsafe {
            let dir = (*dev).kobj.sd;
            if dir.is_null() {
                return Err(ENOENT);
            }
            bindings::kernfs_find_and_get_ns(dir, name.as_char_ptr(), core::ptr::null())
        };
        if node.is_null() {
            return Err(ENOENT);
        }
        // ORDERING: Full, so that a task that loads the pointer sees the node.
        // INVARIANT: The reference of the lookup goes with the pointer.
        if self.0.cmpxchg(core::ptr::null_mut(), node, Full).is_err() {
            // SAFETY: The lookup has returned a reference, which goes nowhere else.
            unsafe { bindings::kernfs_put(node) };
            return Err(EBUSY);
        }
        Ok(())
    }

    /// Wakes the tasks that poll the file. Does not sleep.
    #[inline]
    pub fn notify(&self) {
        // ORDERING: Acquire pairs with the exchange in `attach`.
        let node = self.0.load(Acquire);
        if !node.is_null() {
            // SAFETY: By the type invariants the notifier owns a reference to the node. The
            // function takes a node that has been removed from sysfs.
            unsafe { bindings::kernfs_notify(node) };
        }
    }
}

impl Default for Notifier {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        let node = *self.0.get_mut();
        if !node.is_null() {
            // SAFETY: By the type invariants the notifier owns the reference, and does not use it
            // again.
            unsafe { bindings::kernfs_put(node) };
        }
    }
}

// SAFETY: `kernfs_put()` may be called by any thread.
unsafe impl Send for Notifier {}
// SAFETY: `kernfs_notify()` may be called by several threads at once, and the pointer is atomic.
unsafe impl Sync for Notifier {}

#[cfg(kernel_ext_suites)]
#[kunit_tests(rust_bad_blocks)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bad_sector_of_a_range_is_found() -> Result {
        let list = KBox::pin_init(BadBlocks::new(), GFP_KERNEL)?;
        assert!(list.is_empty());
        assert_eq!(list.first_bad(Sector(0), Sectors(1 << 40)), None);

        assert!(list.record(Sector(1000), Sectors(8)));
        assert!(!list.is_empty());
        for (start, n, want) in [
            (0, 0, None),
            (1000, 0, None),
            (0, 1000, None),
            (0, 1001, Some(1000)),
            (999, 2, Some(1000)),
            // The record begins before the range.
            (1004, 1, Some(1004)),
            (1007, 100, Some(1007)),
            (1008, 1 << 40, None),
        ] {
            assert_eq!(list.first_bad(Sector(start), Sectors(n)), want.map(Sector));
        }

        list.clear(Sector(1000), Sectors(4));
        assert_eq!(list.first_bad(Sector(0), Sectors(1004)), None);
        assert_eq!(list.first_bad(Sector(0), Sectors(2000)), Some(Sector(1004)));
        list.clear(Sector(1004), Sectors(4));
        assert!(list.is_empty());
        Ok(())
    }

    // C counts in `int` here and there.
    #[test]
    fn ranges_of_more_than_32_bits_are_searched() -> Result {
        let list = KBox::pin_init(BadBlocks::new(), GFP_KERNEL)?;
        for bad in [(1 << 31) - 1, 1 << 31, 1 << 32, (5 << 32) + 7] {
            assert!(list.record(Sector(bad), Sectors(1)));
            assert_eq!(list.first_bad(Sector(0), Sectors(bad)), None);
            assert_eq!(
                list.first_bad(Sector(0), Sectors(1 << 40)),
                Some(Sector(bad))
            );
            list.clear(Sector(bad), Sectors(1));
        }
        assert!(list.is_empty());
        Ok(())
    }
}
