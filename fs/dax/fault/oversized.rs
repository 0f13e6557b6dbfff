// SPDX-License-Identifier: GPL-2.0

//! Entries that are larger than the extent which has the memory now.

use super::request::{
    Fault,
    Size, //
};
use crate::{
    memory::Memory,
    slot::LockedEntry,
    sys::folio::References, //
};
use kernel::time::{
    delay::fsleep,
    Delta, //
};
use kernel_ext::{
    iomap::Map,
    mm::fault::FaultCode,
    task::fatal_signal_pending, //
};

impl<S: Size> Fault<'_, S> {
    /// Removes a huge entry, for a part of which the file has got other memory, and leaves it to
    /// the next fault to make a smaller one.
    #[cold]
    pub(super) fn discard_oversized(&self, entry: LockedEntry<'_, '_>, map: &Map) -> FaultCode {
        let Ok(device) = map.dax_device() else {
            return FaultCode::SIGBUS;
        };
        let mut memory = Memory::of_device(device);
        if memory.frames_of(entry.entry()).is_none() {
            return FaultCode::SIGBUS;
        }
        let unmapped = entry.unmap();
        if memory.is_busy_unmapped(unmapped.entry()) {
            return self.wait_a_little();
        }
        drop(
            unmapped
                .flush(&mut memory)
                .remove(References::None, &mut memory),
        );
        FaultCode::NOPAGE
    }

    /// Has the task repeat the access after a moment, in which another task may have given up its
    /// references, or have come to an end with what it does.
    ///
    /// The caller of the fault holds locks, so this must not wait until then.
    #[cold]
    pub(super) fn wait_a_little(&self) -> FaultCode {
        if fatal_signal_pending() {
            return FaultCode::SIGBUS;
        }
        fsleep(Delta::from_millis(1));
        FaultCode::NOPAGE
    }
}
