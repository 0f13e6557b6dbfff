// SPDX-License-Identifier: GPL-2.0

//! The device.

use crate::memremap::Frames;

pub struct FileDevice<'a>(pub &'a ());

impl FileDevice<'_> {
    pub fn flush(self, frames: Frames<'_>) {
        frames.flush();
    }
}
