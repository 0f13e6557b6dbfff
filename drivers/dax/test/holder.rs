// SPDX-License-Identifier: GPL-2.0

//! Tests of claims and their ends.

use kernel::prelude::*;

#[kunit_tests(rust_dax_holder)]
mod tests {
    use crate::{
        holder::{
            Holder,
            Release, //
        },
        sys::{
            holder::{
                HolderId,
                HolderOps, //
            },
            table::Lent,
        },
    };
    use core::ptr;
    use kernel::prelude::*;

    /// A pointer that identifies a holder; the core does not follow it.
    fn id(n: usize) -> HolderId {
        HolderId::from_raw(ptr::without_provenance_mut(n))
    }

    /// A pointer that stands for operations.
    fn table(n: usize) -> Option<Lent<HolderOps>> {
        // SAFETY: The tests do not load the table of a holder that is part of no device.
        unsafe { HolderOps::lend(ptr::without_provenance(n)) }
    }

    #[test]
    fn claim_and_release() -> Result {
        let holder = Holder::new();
        assert!(!holder.is_held());
        assert_eq!(holder.release(id(1)), Release::AlreadyKilled);

        holder.claim(id(1), table(8))?.keep();
        assert!(holder.is_held());
        assert!(holder.id() == id(1));
        assert!(holder.ops.has(table(8)));

        assert_eq!(holder.release(id(1)), Release::Released);
        assert!(!holder.is_held());
        assert!(holder.ops.has(None));
        Ok(())
    }

    #[test]
    fn second_claim_is_refused() -> Result {
        let holder = Holder::new();
        holder.claim(id(1), table(8))?.keep();

        for other in [2, 1] {
            let refused = holder.claim(id(other), table(16));
            assert_eq!(refused.err(), Some(EBUSY));
            assert!(holder.id() == id(1));
            assert!(holder.ops.has(table(8)));
        }

        assert_eq!(holder.release(id(1)), Release::Released);
        holder.claim(id(2), table(16))?.keep();
        assert!(holder.ops.has(table(16)));
        Ok(())
    }

    #[test]
    fn dropped_claim_is_released() -> Result {
        let holder = Holder::new();
        let claim = holder.claim(id(1), table(8))?;
        assert!(holder.is_held());
        drop(claim);
        assert!(!holder.is_held());
        assert!(holder.ops.has(None));
        Ok(())
    }

    #[test]
    fn stranger_cannot_release() -> Result {
        let holder = Holder::new();
        holder.claim(id(1), table(8))?.keep();
        assert_eq!(holder.release(id(2)), Release::NotHolder);
        // The holder hears of failures still.
        assert!(holder.id() == id(1));
        assert!(holder.ops.has(table(8)));
        Ok(())
    }

    #[test]
    fn killed_under_the_holder() -> Result {
        let holder = Holder::new();
        holder.claim(id(1), table(8))?.keep();
        holder.clear();
        assert_eq!(holder.release(id(1)), Release::AlreadyKilled);
        assert!(holder.ops.has(None));
        Ok(())
    }
}
