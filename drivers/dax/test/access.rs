// SPDX-License-Identifier: GPL-2.0

//! Tests of the C symbols, as C calls them, over devices of Rust drivers.

use kernel::prelude::*;

#[kunit_tests(rust_dax_access)]
mod tests {
    use crate::{
        liveness,
        test::memory::{
            register,
            Full,
            Memory,
            Plain,
            FLUSHES,
            PAGES,
            POISONED, //
        },
    };
    use core::ptr;
    use kernel::{
        ffi::{
            c_int,
            c_long, //
        },
        page::PAGE_SIZE,
        prelude::*,
        sync::atomic::Relaxed, //
    };
    use kernel_ext::{
        bindings::{
            self,
            dax_copy_from_iter,
            dax_copy_to_iter,
            dax_direct_access,
            dax_flush,
            dax_recovery_write,
            dax_zero_page_range, //
        },
        dax::{
            AccessMode,
            Properties, //
        },
        error::errno, //
    };

    type Raw = *mut bindings::dax_device;

    /// `dax_direct_access()`: its result, the address and the frame.
    fn direct_access(
        dev: Raw,
        pgoff: usize,
        nr_pages: c_long,
        mode: AccessMode,
    ) -> (c_long, *mut u8, usize) {
        let (mut kaddr, mut pfn) = (ptr::null_mut(), 0);
        let _guard = liveness::read_lock();
        // SAFETY: The tests pass NULL or a device that they have registered.
        let pages =
            unsafe { dax_direct_access(dev, pgoff, nr_pages, mode.as_raw(), &mut kaddr, &mut pfn) };
        (pages, kaddr.cast(), pfn)
    }

    fn zero(dev: Raw, pgoff: usize, nr_pages: usize) -> c_int {
        let _guard = liveness::read_lock();
        // SAFETY: The tests pass a device that they have registered.
        unsafe { dax_zero_page_range(dev, pgoff, nr_pages) }
    }

    #[derive(Clone, Copy)]
    enum Way {
        From,
        To,
        Recover,
    }

    /// Copies between the start of the memory and `bytes`.
    fn copy(dev: Raw, memory: &Memory, way: Way, bytes: &mut [u8]) -> usize {
        let len = bytes.len();
        let vec = bindings::kvec {
            iov_base: bytes.as_mut_ptr().cast(),
            iov_len: len,
        };
        let direction = match way {
            Way::To => bindings::ITER_DEST,
            Way::From | Way::Recover => bindings::ITER_SOURCE,
        };
        let mut iter = bindings::iov_iter::default();
        let addr = memory.addr(0).cast();
        let _guard = liveness::read_lock();
        // SAFETY:
        // - `vec` and `bytes` outlive `iter`.
        // - The tests pass no more bytes than the memory has, and a device that they have registered.
        unsafe {
            bindings::iov_iter_kvec(&mut iter, direction, &vec, 1, len);
            match way {
                Way::From => dax_copy_from_iter(dev, 0, addr, len, &mut iter),
                Way::To => dax_copy_to_iter(dev, 0, addr, len, &mut iter),
                Way::Recover => dax_recovery_write(dev, 0, addr, len, &mut iter),
            }
        }
    }

    fn flush(dev: Raw, memory: &Memory) {
        let _guard = liveness::read_lock();
        // SAFETY: The memory has a page, and the tests pass a device that they have registered.
        unsafe { dax_flush(dev, memory.addr(0).cast(), PAGE_SIZE) };
    }

    const EOPNOTSUPP: c_long = -(errno::EOPNOTSUPP as c_long);
    const EHWPOISON: c_long = -(errno::EHWPOISON as c_long);

    #[test]
    fn direct_access_answers_as_c() -> Result {
        use AccessMode::{
            Access,
            RecoveryWrite, //
        };

        let (memory, dax) = register::<Plain>(Properties::default())?;
        let dev = dax.as_raw();

        // (page, pages asked for, mode, expected)
        let table = [
            (0, 1, Access, 1),
            (0, 3, Access, 3),
            // Shortened by the poison, and by the end of the device.
            (0, PAGES as c_long, Access, POISONED as c_long),
            (4, c_long::MAX, Access, 4),
            (PAGES - 1, 2, Access, 1),
            (POISONED, 1, Access, EHWPOISON),
            (POISONED, 1, RecoveryWrite, 1),
            (0, 0, Access, 0),
            (0, -1, Access, EINVAL.to_errno() as c_long),
            (0, c_long::MIN, Access, EINVAL.to_errno() as c_long),
            (PAGES, 1, Access, ERANGE.to_errno() as c_long),
            (usize::MAX, 1, Access, ERANGE.to_errno() as c_long),
        ];
        for (pgoff, nr_pages, mode, expected) in table {
            let (pages, kaddr, pfn) = direct_access(dev, pgoff, nr_pages, mode);
            assert_eq!(pages, expected);
            if pages > 0 {
                assert_eq!(kaddr, memory.addr(pgoff));
                assert_eq!(pfn, 0x1000 + pgoff);
            }
        }

        // Neither the address nor the frame need be asked for.
        let _guard = liveness::read_lock();
        let mode = Access.as_raw();
        // SAFETY: The device is registered.
        let pages = unsafe { dax_direct_access(dev, 0, 2, mode, ptr::null_mut(), ptr::null_mut()) };
        assert_eq!(pages, 2);
        Ok(())
    }

    #[test]
    fn no_device_and_no_operations() -> Result {
        let (pages, ..) = direct_access(ptr::null_mut(), 0, 1, AccessMode::Access);
        assert_eq!(pages, EOPNOTSUPP);

        // SAFETY: Device-dax makes its devices without operations.
        let dev = unsafe { bindings::alloc_dax(ptr::null_mut(), ptr::null()) };
        let dev = kernel::error::from_err_ptr(dev)?;
        let (pages, ..) = direct_access(dev, 0, 1, AccessMode::Access);
        assert_eq!(pages, EOPNOTSUPP);
        assert_eq!(zero(dev, 0, 1) as c_long, EOPNOTSUPP);
        let memory = Memory::new()?;
        assert_eq!(copy(dev, &memory, Way::Recover, &mut [0; 64]), 0);
        // SAFETY: We own the only reference.
        unsafe {
            bindings::kill_dax(dev);
            bindings::put_dax(dev);
        }
        Ok(())
    }

    #[test]
    fn dead_device_answers_as_c() -> Result {
        let (memory, dax) = register::<Full>(Properties {
            write_cache: true,
            ..Properties::default()
        })?;
        let dev = dax.as_raw();
        dax.kill();

        let (pages, ..) = direct_access(dev, 0, 1, AccessMode::Access);
        assert_eq!(pages, ENXIO.to_errno() as c_long);
        assert_eq!(zero(dev, 0, 1), ENXIO.to_errno());
        for way in [Way::From, Way::To, Way::Recover] {
            assert_eq!(copy(dev, &memory, way, &mut [0; 64]), 0);
        }
        assert_eq!(memory.copies.load(Relaxed), 0);
        assert_eq!(dax.notify_failure(0, 1, 0).err(), Some(ENXIO));
        // SAFETY: We have a reference to the device.
        assert!(unsafe { bindings::dax_get_private(dev) }.is_null());
        Ok(())
    }

    #[test]
    fn zero_page_range() -> Result {
        let (_memory, dax) = register::<Plain>(Properties::default())?;
        let dev = dax.as_raw();
        assert_eq!(zero(dev, 0, 1), 0);
        assert_eq!(zero(dev, PAGES, 1), ERANGE.to_errno());
        // A memory error becomes one of a block device.
        assert_eq!(zero(dev, POISONED, 1), EIO.to_errno());
        // dm-log-writes asks for bytes; nothing may be zeroed then.
        for nr_pages in [0, 2, PAGE_SIZE, usize::MAX] {
            assert_eq!(zero(dev, 0, nr_pages), EIO.to_errno());
        }
        Ok(())
    }

    #[test]
    fn copies_of_a_plain_device() -> Result {
        for careful in [false, true] {
            let (memory, dax) = register::<Plain>(Properties {
                write_around_cache: careful,
                machine_checks: careful,
                ..Properties::default()
            })?;
            let dev = dax.as_raw();

            let mut bytes = [0x5a; 100];
            assert_eq!(copy(dev, &memory, Way::From, &mut bytes), 100);
            let mut back = [0; 101];
            assert_eq!(copy(dev, &memory, Way::To, &mut back), 101);
            assert!(back[..100].iter().all(|byte| *byte == 0x5a));
            assert_eq!(back[100], 0xa5);
            assert_eq!(copy(dev, &memory, Way::Recover, &mut bytes), 0);
            assert_eq!(memory.copies.load(Relaxed), 0);
        }
        Ok(())
    }

    #[test]
    fn copies_of_the_device_come_first() -> Result {
        let (memory, dax) = register::<Full>(Properties {
            write_around_cache: true,
            machine_checks: true,
            ..Properties::default()
        })?;
        let dev = dax.as_raw();
        assert_eq!(copy(dev, &memory, Way::From, &mut [0; 64]), 64);
        assert_eq!(memory.copies.load(Relaxed), 1);
        assert_eq!(copy(dev, &memory, Way::To, &mut [0; 64]), 64);
        assert_eq!(memory.copies.load(Relaxed), 2);
        assert_eq!(copy(dev, &memory, Way::Recover, &mut [0; 64]), 64);
        Ok(())
    }

    #[test]
    fn flush_asks_the_device() -> Result {
        // Without a flush a device needs none, and cannot have a write cache.
        let refused = register::<Plain>(Properties {
            write_cache: true,
            ..Properties::default()
        });
        assert_eq!(refused.err(), Some(EINVAL));
        let (memory, plain) = register::<Plain>(Properties::default())?;
        plain.set_write_cache(true);
        FLUSHES.store(0, Relaxed);
        flush(plain.as_raw(), &memory);
        assert_eq!(FLUSHES.load(Relaxed), 0);

        let (memory, full) = register::<Full>(Properties {
            write_cache: true,
            ..Properties::default()
        })?;
        flush(full.as_raw(), &memory);
        assert_eq!(FLUSHES.load(Relaxed), 1);
        full.set_write_cache(false);
        flush(full.as_raw(), &memory);
        assert_eq!(FLUSHES.load(Relaxed), 1);
        Ok(())
    }
}
