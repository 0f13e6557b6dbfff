// SPDX-License-Identifier: GPL-2.0

//! Whether a device is alive, and waiting for those who found it so.
//!
//! A device dies while others use it: its memory is unplugged, its driver unbound. Whoever uses one
//! first enters the SRCU domain, then looks whether the device is alive, and leaves the domain when
//! done. To kill it is to clear the flag and to wait for the domain. So inside the domain
//! [`AliveDax`] means: [`kill`] has not returned, hence what the driver gave to the device is
//! still there. It does not mean that `kill` has not begun.

use crate::device::{
    flag,
    DaxDevice, //
};
use core::ops::Deref;
use kernel::prelude::*;
use kernel_ext::sync::srcu::{
    ReadGuard,
    Reading, //
};

mod ffi;
pub(crate) use ffi::srcu;

/// A task that uses devices, inside the SRCU domain.
#[must_use = "the domain is left immediately when the guard is unused"]
pub(crate) struct DaxReadGuard(ReadGuard<'static>);

impl DaxReadGuard {
    /// The evidence for [`alive`].
    #[inline]
    pub(crate) fn reading(&self) -> Reading<'_> {
        self.0.reading()
    }
}

/// Enters the domain. May be nested; the task may sleep.
#[inline]
pub(crate) fn read_lock() -> DaxReadGuard {
    DaxReadGuard(srcu().read_lock())
}

/// A device that was alive after the domain was entered; see the module on what that means.
#[derive(Clone, Copy)]
pub(crate) struct AliveDax<'a> {
    dev: &'a DaxDevice,
    flags: u32,
}

impl AliveDax<'_> {
    /// The flags that the device had when it was found alive.
    #[inline]
    pub(crate) fn flags_then(self) -> u32 {
        self.flags
    }
}

impl Deref for AliveDax<'_> {
    type Target = DaxDevice;

    #[inline]
    fn deref(&self) -> &DaxDevice {
        self.dev
    }
}

/// `dev` if it is alive, else `ENXIO`.
#[inline]
pub(crate) fn alive<'a>(dev: &'a DaxDevice, _: Reading<'a>) -> Result<AliveDax<'a>> {
    let flags = dev.flags.load();
    if flags & 1 << flag::ALIVE != 0 {
        Ok(AliveDax { dev, flags })
    } else {
        Err(ENXIO)
    }
}

/// Brings a device (back) to life.
pub(crate) fn run(dev: &DaxDevice) {
    dev.flags.set(flag::ALIVE);
}

/// Kills a device. When this returns, no operation of it runs, and none will. Sleeps.
///
/// The holder hears of it first, while the device still lives, and is forgotten afterwards.
pub(crate) fn kill(dev: &DaxDevice) {
    if dev.holder.is_held() {
        // A holder that does not care for removals answers with an error, which changes nothing.
        let _ = crate::holder::notify_removal(dev);
    }
    dev.flags.clear(flag::ALIVE);
    srcu().synchronize();
    dev.holder.clear();
}

#[kunit_tests(rust_dax_liveness)]
mod tests {
    use super::*;
    use crate::device;
    use core::ptr;
    use kernel::{
        sync::{
            aref::ARef,
            atomic::{
                Acquire,
                Atomic,
                Release, //
            },
            Arc,
            Completion, //
        },
        time::{
            delay::fsleep,
            Delta, //
        },
        workqueue, //
    };

    /// A device that is killed when it is dropped, as every device must be before its last put.
    struct Killed(ARef<DaxDevice>);

    impl Killed {
        fn new() -> Result<Self> {
            device::alloc(ptr::without_provenance_mut(0x100), |_| ()).map(Self)
        }
    }

    impl Drop for Killed {
        fn drop(&mut self) {
            kill(&self.0);
        }
    }

    fn is_alive(dev: &DaxDevice) -> bool {
        let guard = read_lock();
        alive(dev, guard.reading()).is_ok()
    }

    #[test]
    fn kill_and_run() -> Result {
        let dev = Killed::new()?;
        let dev = &dev.0;
        assert!(is_alive(dev));
        assert_eq!(dev.private(), ptr::without_provenance_mut(0x100));

        kill(dev);
        assert!(!is_alive(dev));
        assert!(dev.private().is_null());
        let guard = read_lock();
        assert_eq!(alive(dev, guard.reading()).err(), Some(ENXIO));
        drop(guard);

        // As device-dax does when its instance is bound again.
        run(dev);
        assert!(is_alive(dev));
        assert_eq!(dev.private(), ptr::without_provenance_mut(0x100));
        Ok(())
    }

    #[test]
    fn kill_forgets_the_holder() -> Result {
        let dev = Killed::new()?;
        let holder = ptr::without_provenance_mut(0x200);
        dev.0.holder.claim(holder, ptr::null())?.keep();
        kill(&dev.0);
        assert!(!dev.0.holder.is_held());
        assert_eq!(
            dev.0.holder.release(holder),
            crate::holder::Release::AlreadyKilled
        );
        Ok(())
    }

    #[test]
    fn dead_device_is_not_claimed() -> Result {
        let dev = Killed::new()?;
        kill(&dev.0);
        let guard = read_lock();
        assert!(alive(&dev.0, guard.reading()).is_err());
        Ok(())
    }

    #[test]
    fn nested_readers() -> Result {
        let dev = Killed::new()?;
        let outer = read_lock();
        {
            let _inner = read_lock();
        }
        assert!(alive(&dev.0, outer.reading()).is_ok());
        Ok(())
    }

    #[pin_data]
    struct Race {
        dev: ARef<DaxDevice>,
        #[pin]
        inside: Completion,
        #[pin]
        leave: Completion,
        #[pin]
        killed: Completion,
        reader_left: Atomic<bool>,
        kill_returned: Atomic<bool>,
        killed_too_early: Atomic<bool>,
    }

    /// Killing a device blocks new readers at once, and returns only after a reader who is inside
    /// has left.
    #[test]
    fn kill_waits_for_readers() -> Result {
        let dev = Killed::new()?;
        let race = Arc::pin_init(
            pin_init!(Race {
                dev: dev.0.clone(),
                inside <- Completion::new(),
                leave <- Completion::new(),
                killed <- Completion::new(),
                reader_left: Atomic::new(false),
                kill_returned: Atomic::new(false),
                killed_too_early: Atomic::new(false),
            }),
            GFP_KERNEL,
        )?;

        let reader = race.clone();
        workqueue::system_long().try_spawn(GFP_KERNEL, move || {
            let _guard = read_lock();
            reader.inside.complete_all();
            reader.leave.wait_for_completion();
            reader.reader_left.store(true, Release);
        })?;
        race.inside.wait_for_completion();

        let killer = race.clone();
        let spawned = workqueue::system_long().try_spawn(GFP_KERNEL, move || {
            kill(&killer.dev);
            killer.kill_returned.store(true, Release);
            let early = !killer.reader_left.load(Acquire);
            killer.killed_too_early.store(early, Release);
            killer.killed.complete_all();
        });
        if spawned.is_err() {
            race.leave.complete_all();
            return Err(ENOMEM);
        }

        // Once the device is dead for others, give a kill that does not wait the time to return. A
        // failed assertion ends this thread, so the reader is let go first.
        for _ in 0..500 {
            if !is_alive(&race.dev) {
                break;
            }
            fsleep(Delta::from_millis(10));
        }
        fsleep(Delta::from_millis(100));
        let returned_early = race.kill_returned.load(Acquire);
        let dead_for_others = !is_alive(&race.dev);
        race.leave.complete_all();
        race.killed.wait_for_completion();

        assert!(!returned_early);
        assert!(dead_for_others);
        assert!(!race.killed_too_early.load(Acquire));
        Ok(())
    }
}
