// SPDX-License-Identifier: GPL-2.0

//! Keeping managed resources of a device until a value that uses them has been dropped.
//!
//! The kernel releases managed resources when the driver is unbound, whether or not a Rust value
//! still uses them. A [`Lease`] holds that up: the resources that were registered before it was
//! taken are released after it has been dropped. A lease that is leaked makes the unbinding wait
//! for ever, but does not let the resources go.

use kernel::{
    device::{
        Bound,
        Device, //
    },
    devres,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Completion, //
    }, //
};

/// The state that a lease shares with the device.
#[pin_data]
struct Shared {
    #[pin]
    returned: Completion,
    is_taken: Atomic<bool>,
}

/// The right to use the managed resources that a device had when this was taken.
///
/// # Invariants
///
/// The device has a [`Keeper`] of the same `Shared` among its managed resources, and `is_taken` is
/// set.
pub(super) struct Lease(Arc<Shared>);

/// A managed resource whose release waits until the lease has been returned.
struct Keeper(Arc<Shared>);

impl Lease {
    /// Takes a lease of the managed resources that `dev` has now. May sleep.
    pub(super) fn take(dev: &Device<Bound>) -> Result<Self> {
        let shared = Arc::pin_init(
            pin_init!(Shared {
                returned <- Completion::new(),
                is_taken: Atomic::new(false),
            }),
            GFP_KERNEL,
        )?;
        // If this fails, the keeper is dropped while there is no lease to wait for.
        devres::register(dev, Keeper(shared.clone()), GFP_KERNEL)?;
        // ORDERING: Relaxed, because the lock of the device's list of resources orders this before
        // the release.
        shared.is_taken.store(true, Relaxed);
        // INVARIANT: Just registered and set.
        Ok(Self(shared))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.returned.complete_all();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // ORDERING: Relaxed, see `Lease::take`.
        if self.0.is_taken.load(Relaxed) {
            self.0.returned.wait_for_completion();
        }
    }
}
