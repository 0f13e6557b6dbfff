// SPDX-License-Identifier: GPL-2.0

//! The holder of a device: the filesystem, or the mapped device, that uses it exclusively.
//!
//! A holder is one pointer, which identifies it, and operations, through which it hears of memory
//! failures. Both are exchanged without a lock:
//!
//! | step | order | why |
//! |---|---|---|
//! | claim | identity, then operations | who loses the exchange of the identity touches nothing |
//! | release | operations, then identity | the next holder's operations are not overwritten |
//! | kill | after the SRCU grace period, both | nobody is between looking and calling |
//!
//! A notification in between finds no operations, which is what it finds without a holder.

use crate::{
    device::DaxDevice,
    liveness::{
        self,
        AliveDax, //
    },
};
use core::{
    mem::ManuallyDrop,
    ptr, //
};
use kernel::{
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Full,
        Relaxed,
        Release as ReleaseOrder, //
    },
};

mod ffi;
pub(crate) use ffi::HolderOps;

/// What came of giving a device back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// It has no holder now.
    Released,
    /// The device was killed, and the holder forgotten, before.
    AlreadyKilled,
    /// Somebody else holds the device, and still does: a bug of the caller.
    NotHolder,
}

/// The holder of a device, if any.
pub(crate) struct Holder {
    data: Atomic<*mut c_void>,
    ops: Atomic<*const HolderOps>,
}

/// A device that has just been claimed. Released when dropped, unless it is kept.
#[must_use = "the device is released immediately when the claim is unused"]
pub(crate) struct Claim<'a> {
    holder: &'a Holder,
    data: *mut c_void,
}

impl Claim<'_> {
    /// Makes the claim last until [`Holder::release`].
    pub(crate) fn keep(self) {
        let _ = ManuallyDrop::new(self);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.holder.release(self.data);
    }
}

impl Holder {
    /// Nobody.
    pub(crate) const fn new() -> Self {
        Self {
            data: Atomic::new(ptr::null_mut()),
            ops: Atomic::new(ptr::null()),
        }
    }

    /// Makes `data` the holder. Fails with `EBUSY` if there is one.
    pub(crate) fn claim(&self, data: *mut c_void, ops: *const HolderOps) -> Result<Claim<'_>> {
        // ORDERING: Full: whoever sees `data` sees what the claimer did before, and the store of
        // `ops` stays behind; see the table above.
        if self.data.cmpxchg(ptr::null_mut(), data, Full).is_err() {
            return Err(EBUSY);
        }
        // ORDERING: Release: a notification that sees the operations may ask for the holder.
        self.ops.store(ops, ReleaseOrder);
        Ok(Claim { holder: self, data })
    }

    /// Ends the claim of `data`.
    pub(crate) fn release(&self, data: *mut c_void) -> Release {
        // ORDERING: Relaxed: if `data` is the holder, only killing can change that. If it is not,
        // the operations belong to somebody else.
        let holder = self.data.load(Relaxed);
        if holder.is_null() {
            return Release::AlreadyKilled;
        }
        if holder != data {
            return Release::NotHolder;
        }
        self.ops.store(ptr::null(), Relaxed);
        // ORDERING: Full: the store above is visible to whoever claims the device after this, whose
        // store of operations thus is the later one.
        match self.data.cmpxchg(data, ptr::null_mut(), Full) {
            Ok(_) => Release::Released,
            Err(holder) if holder.is_null() => Release::AlreadyKilled,
            Err(_) => Release::NotHolder,
        }
    }

    /// Forgets the holder of a device that is dead, or that nobody else can reach.
    pub(crate) fn clear(&self) {
        // ORDERING: Relaxed: nobody claims a dead device, and notifications have ended.
        self.ops.store(ptr::null(), Relaxed);
        self.data.store(ptr::null_mut(), Relaxed);
    }

    /// The identity of the holder, or NULL.
    #[inline]
    pub(crate) fn data(&self) -> *mut c_void {
        self.data.load(Relaxed)
    }

    /// Whether there is a holder.
    #[inline]
    pub(crate) fn is_held(&self) -> bool {
        !self.data().is_null()
    }

    /// The operations of the holder, or NULL.
    fn ops(&self) -> *const HolderOps {
        // ORDERING: Acquire: pairs with the release in `claim`. Read once: they may go away.
        self.ops.load(Acquire)
    }
}

/// Claims a device that is alive, and takes a reference to it.
///
/// Fails with `ENXIO` if it is being destroyed and with `EBUSY` if it has a holder. A NULL `data`
/// claims nothing.
#[cfg_attr(not(CONFIG_FS_DAX), allow(dead_code))]
pub(crate) fn get_claimed(
    dev: AliveDax<'_>,
    data: *mut c_void,
    ops: *const HolderOps,
) -> Result<kernel::sync::aref::ARef<DaxDevice>> {
    let reference = dev.try_get().ok_or(ENXIO)?;
    if !data.is_null() {
        dev.holder.claim(data, ops)?.keep();
    }
    Ok(reference)
}

/// Tells the holder of a device that `len` bytes at `offset` failed.
///
/// Fails with `ENXIO` if the device is dead and with `EOPNOTSUPP` if nobody wants to know, else as
/// the holder says. Sleeps.
fn notify_failure(dev: &DaxDevice, offset: u64, len: u64, mf_flags: c_int) -> Result {
    let guard = liveness::read_lock();
    let dev = liveness::alive(dev, guard.reading())?;
    ffi::call_notify_failure(dev, offset, len, mf_flags)
}

/// Tells the holder of a device that all of it is about to go.
pub(crate) fn notify_removal(dev: &DaxDevice) -> Result {
    notify_failure(dev, 0, u64::MAX, ffi::MF_MEM_PRE_REMOVE)
}

#[kunit_tests(rust_dax_holder)]
mod tests {
    use super::*;

    /// A pointer that identifies a holder; nothing reads what it points to.
    fn id(n: usize) -> *mut c_void {
        ptr::without_provenance_mut(n)
    }

    /// A pointer that stands for operations; nothing reads what it points to.
    fn table(n: usize) -> *const HolderOps {
        ptr::without_provenance(n)
    }

    #[test]
    fn claim_and_release() -> Result {
        let holder = Holder::new();
        assert!(!holder.is_held());
        assert_eq!(holder.release(id(1)), Release::AlreadyKilled);

        holder.claim(id(1), table(8))?.keep();
        assert!(holder.is_held());
        assert_eq!(holder.data(), id(1));
        assert_eq!(holder.ops(), table(8));

        assert_eq!(holder.release(id(1)), Release::Released);
        assert!(!holder.is_held());
        assert!(holder.ops().is_null());
        Ok(())
    }

    #[test]
    fn second_claim_is_refused() -> Result {
        let holder = Holder::new();
        holder.claim(id(1), table(8))?.keep();

        for other in [2, 1] {
            let refused = holder.claim(id(other), table(16));
            assert_eq!(refused.err(), Some(EBUSY));
            assert_eq!(holder.data(), id(1));
            assert_eq!(holder.ops(), table(8));
        }

        assert_eq!(holder.release(id(1)), Release::Released);
        holder.claim(id(2), table(16))?.keep();
        assert_eq!(holder.ops(), table(16));
        Ok(())
    }

    #[test]
    fn dropped_claim_is_released() -> Result {
        let holder = Holder::new();
        let claim = holder.claim(id(1), table(8))?;
        assert!(holder.is_held());
        drop(claim);
        assert!(!holder.is_held());
        assert!(holder.ops().is_null());
        Ok(())
    }

    #[test]
    fn stranger_cannot_release() -> Result {
        let holder = Holder::new();
        holder.claim(id(1), table(8))?.keep();
        assert_eq!(holder.release(id(2)), Release::NotHolder);
        // The holder hears of failures still.
        assert_eq!(holder.data(), id(1));
        assert_eq!(holder.ops(), table(8));
        Ok(())
    }

    #[test]
    fn killed_under_the_holder() -> Result {
        let holder = Holder::new();
        holder.claim(id(1), table(8))?.keep();
        holder.clear();
        assert_eq!(holder.release(id(1)), Release::AlreadyKilled);
        assert!(holder.ops().is_null());
        Ok(())
    }
}
