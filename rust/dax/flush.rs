// SPDX-License-Identifier: GPL-2.0

//! Making the memory of files durable.

use super::Device;
use crate::{
    bindings,
    memremap::Frames, //
};

impl Device {
    /// Writes back what the CPU caches hold of the frames, if the device wants that (`dax_flush()`).
    ///
    /// The frames are memory of the device. Any context.
    #[inline]
    pub fn flush(&self, frames: Frames<'_>) {
        let window = frames.window();
        // SAFETY: The device is valid by its type invariants; the memory is mapped, and its driver
        // there, by those of `Frames`.
        unsafe { bindings::dax_flush(self.as_raw(), window.as_ptr().cast(), window.len()) };
    }
}
