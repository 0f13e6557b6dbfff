// SPDX-License-Identifier: GPL-2.0

//! Tests of evidence that a device is alive, and of killing devices under readers.

use kernel::prelude::*;

#[kunit_tests(rust_dax_liveness)]
mod tests {
    use crate::{
        device::DeviceObject,
        holder::Release as Released,
        life::kill,
        liveness::{
            alive,
            read_lock, //
        },
        sys::{
            driver::{
                Private,
                Revival, //
            },
            holder::HolderId,
        },
        test::{
            TestDevice,
            PRIVATE, //
        },
    };
    use core::ptr;
    use kernel::{
        prelude::*,
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

    fn has_private(dev: &DeviceObject) -> bool {
        dev.private_if_alive().as_raw() == ptr::without_provenance_mut(PRIVATE)
    }

    fn is_alive(dev: &DeviceObject) -> bool {
        let guard = read_lock();
        alive(dev, guard.reading()).is_ok()
    }

    #[test]
    fn kill_and_run() -> Result {
        let dev = TestDevice::new()?;
        assert!(is_alive(&dev));
        assert!(has_private(&dev));

        kill(&dev);
        assert!(!is_alive(&dev));
        assert!(dev.private_if_alive() == Private::NONE);
        let guard = read_lock();
        assert_eq!(alive(&dev, guard.reading()).err(), Some(ENXIO));
        drop(guard);

        // As device-dax does when its instance is bound again.
        // SAFETY: The device has no operations.
        dev.revive(unsafe { Revival::new() });
        assert!(is_alive(&dev));
        assert!(has_private(&dev));
        Ok(())
    }

    #[test]
    fn kill_forgets_the_holder() -> Result {
        let dev = TestDevice::new()?;
        let holder = HolderId::from_raw(ptr::without_provenance_mut(0x200));
        dev.holder.claim(holder, None)?.keep();
        kill(&dev);
        assert!(!dev.holder.is_held());
        assert_eq!(dev.holder.release(holder), Released::AlreadyKilled);
        Ok(())
    }

    #[test]
    fn dead_device_is_not_claimed() -> Result {
        let dev = TestDevice::new()?;
        kill(&dev);
        let guard = read_lock();
        assert!(alive(&dev, guard.reading()).is_err());
        Ok(())
    }

    #[test]
    fn nested_readers() -> Result {
        let dev = TestDevice::new()?;
        let outer = read_lock();
        {
            let _inner = read_lock();
        }
        assert!(alive(&dev, outer.reading()).is_ok());
        Ok(())
    }

    #[pin_data]
    struct Race {
        dev: ARef<DeviceObject>,
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

    /// Killing a device refuses new readers at once, and returns only after a reader inside has left.
    #[test]
    fn kill_waits_for_readers() -> Result {
        let dev = TestDevice::new()?;
        let race = Arc::pin_init(
            pin_init!(Race {
                dev: dev.reference(),
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
