// SPDX-License-Identifier: GPL-2.0

//! The device.

use crate::memremap::Frames;

pub struct DaxDevice;

impl DaxDevice {
    pub fn flush(&self, frames: Frames<'_>) {
        frames.flush();
    }
}
