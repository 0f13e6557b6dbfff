// SPDX-License-Identifier: GPL-2.0

//! The window: turns the guest's requests to map files into requests to QEMU.

use fuse_backend_rs::abi::virtio_fs::RemovemappingOne;
use fuse_backend_rs::transport::FsCacheReqHandler;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::RawFd;
use vhost::vhost_user::message::{VhostUserMMap, VhostUserMMapFlags};
use vhost::vhost_user::{Backend, VhostUserFrontendReqHandler};

/// The ID of the device's only shared memory region; virtiofs defines that ID 0 is the window.
const REGION: u8 = 0;

#[derive(Default)]
pub struct Window {
    /// The channel to QEMU, which opens it; before that, the window can map no file.
    channel: Option<Backend>,
    /// The length of each mapping, by its offset in the window. The guest replaces a mapping by a
    /// new one at the same offset, but QEMU requires an unmap first.
    mapped: BTreeMap<u64, u64>,
}

impl Window {
    pub fn open(&mut self, channel: Backend) {
        self.channel = Some(channel);
    }

    fn channel(&self) -> io::Result<&Backend> {
        self.channel
            .as_ref()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))
    }

    fn clear(&mut self, shm_offset: u64) -> io::Result<()> {
        let Some(len) = self.mapped.remove(&shm_offset) else {
            return Ok(());
        };
        let request = VhostUserMMap {
            shmid: REGION,
            shm_offset,
            len,
            ..Default::default()
        };
        self.channel()?.shmem_unmap(&request).map(drop)
    }
}

impl FsCacheReqHandler for Window {
    fn map(
        &mut self,
        fd_offset: u64,
        shm_offset: u64,
        len: u64,
        _flags: u64,
        fd: RawFd,
    ) -> io::Result<()> {
        // QEMU maps for writing even if the request is for reading only, so open the file for both.
        let path = format!("/proc/self/fd/{fd}");
        let file = File::options().read(true).write(true).open(path)?;
        let request = VhostUserMMap {
            shmid: REGION,
            fd_offset,
            shm_offset,
            len,
            flags: VhostUserMMapFlags::WRITABLE.bits(),
            ..Default::default()
        };
        self.clear(shm_offset)?;
        self.channel()?.shmem_map(&request, &file)?;
        self.mapped.insert(shm_offset, len);
        Ok(())
    }

    fn unmap(&mut self, requests: Vec<RemovemappingOne>) -> io::Result<()> {
        requests.iter().try_for_each(|one| self.clear(one.moffset))
    }
}
