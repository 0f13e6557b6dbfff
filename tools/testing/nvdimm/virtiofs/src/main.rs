// SPDX-License-Identifier: GPL-2.0

//! virtiofs-window SOCKET DIRECTORY: serves a directory to a guest by vhost-user, with a DAX
//! window, by which the guest maps the files of the host. Debian's virtiofsd has no such window.
//!
//! The window is a shared memory region of the device. The guest sends FUSE requests to map a range
//! of a file into it; this program passes them on to QEMU, which maps the file.

mod window;

use fuse_backend_rs::api::server::Server;
use fuse_backend_rs::passthrough::{CachePolicy, Config, PassthroughFs};
use fuse_backend_rs::transport::{FuseBuf, FuseDevWriter, Reader, Writer};
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex};
use vhost::vhost_user::message::{
    VhostUserProtocolFeatures, VhostUserShMemConfig, VhostUserVirtioFeatures,
};
use vhost::vhost_user::Backend;
use vhost_user_backend::{VhostUserBackend, VhostUserDaemon, VringRwLock, VringT};
use virtio_queue::{DescriptorChain, QueueT};
use vm_memory::{GuestAddressSpace, GuestMemoryAtomic, GuestMemoryLoadGuard, GuestMemoryMmap};
use vmm_sys_util::epoll::EventSet;
use vmm_sys_util::tempfile::TempFile;
use window::Window;

type Memory = GuestMemoryAtomic<GuestMemoryMmap>;
type Chain = DescriptorChain<GuestMemoryLoadGuard<GuestMemoryMmap>>;

/// The tag that the guest mounts.
const TAG: &[u8] = b"window";
/// The size of the window, small enough that a test can fill it and the guest has to reuse parts.
const WINDOW_BYTES: u64 = 64 << 20;
/// The number of queues: one of high priority, and one for all other requests.
const QUEUES: usize = 2;
const QUEUE_SIZE: usize = 128;
/// The feature bit of virtio 1, which every current driver requires.
const VERSION_1: u64 = 1 << 32;

struct Device {
    /// The daemon's handle of the guest's memory, which follows QEMU's updates.
    memory: Memory,
    /// Separate from `memory`, so that an update by QEMU does not need this lock: a mapping in the
    /// window becomes a part of the guest's memory, and QEMU sends the update to all devices before
    /// it answers the request for the mapping.
    requests: Mutex<Requests>,
}

struct Requests {
    server: Server<PassthroughFs>,
    window: Window,
    /// The file server uses an older vm-memory than vhost and cannot share its type. So it gets the
    /// bytes of a request, and writes its whole answer to this file.
    answer: TempFile,
}

impl Requests {
    fn new(directory: &str) -> io::Result<Self> {
        let files = PassthroughFs::new(Config {
            root_dir: directory.into(),
            cache_policy: CachePolicy::Always,
            xattr: true,
            ..Default::default()
        })?;
        files.import()?;
        Ok(Self {
            server: Server::new(files),
            window: Window::default(),
            answer: TempFile::new()?,
        })
    }

    /// Answers a request; returns the length of the answer.
    fn serve(&mut self, memory: &GuestMemoryMmap, chain: Chain) -> io::Result<u32> {
        let mut request = Vec::new();
        let mut from = chain.clone().reader(memory).map_err(io::Error::other)?;
        from.read_to_end(&mut request)?;
        let mut to = chain.writer(memory).map_err(io::Error::other)?;
        let mut room = vec![0; to.available_bytes()];

        let mut answer = self.answer.as_file();
        answer.set_len(0)?;
        answer.rewind()?;
        let reader = Reader::<()>::from_fuse_buffer(FuseBuf::new(&mut request));
        let writer = FuseDevWriter::<()>::new(answer.as_raw_fd(), &mut room);
        self.server
            .handle_message(
                reader.map_err(io::Error::other)?,
                Writer::FuseDev(writer.map_err(io::Error::other)?),
                Some(&mut self.window),
                None,
            )
            .map_err(io::Error::other)?;
        answer.rewind()?;
        let mut bytes = Vec::new();
        answer.read_to_end(&mut bytes)?;
        to.write_all(&bytes)?;
        Ok(bytes.len() as u32)
    }
}

impl VhostUserBackend for Device {
    type Bitmap = ();
    type Vring = VringRwLock;

    fn num_queues(&self) -> usize {
        QUEUES
    }

    fn max_queue_size(&self) -> usize {
        QUEUE_SIZE
    }

    fn features(&self) -> u64 {
        VERSION_1 | VhostUserVirtioFeatures::PROTOCOL_FEATURES.bits()
    }

    fn protocol_features(&self) -> VhostUserProtocolFeatures {
        VhostUserProtocolFeatures::MQ
            | VhostUserProtocolFeatures::CONFIG
            | VhostUserProtocolFeatures::REPLY_ACK
            | VhostUserProtocolFeatures::BACKEND_REQ
            | VhostUserProtocolFeatures::BACKEND_SEND_FD
            | VhostUserProtocolFeatures::CONFIGURE_MEM_SLOTS
            | VhostUserProtocolFeatures::SHMEM
    }

    /// The device's configuration: the tag, and the number of request queues.
    fn get_config(&self, offset: u32, size: u32) -> Vec<u8> {
        let mut config = [0; 44];
        config[..TAG.len()].copy_from_slice(TAG);
        config[36] = 1;
        let (offset, end) = (offset as usize, (offset + size) as usize);
        config.get(offset..end).unwrap_or_default().to_vec()
    }

    fn get_shmem_config(&self) -> io::Result<VhostUserShMemConfig> {
        Ok(VhostUserShMemConfig::new(1, &[WINDOW_BYTES]))
    }

    fn set_event_idx(&self, _enabled: bool) {}

    fn update_memory(&self, _memory: Memory) -> io::Result<()> {
        Ok(())
    }

    fn set_backend_req_fd(&self, channel: Backend) {
        self.requests.lock().unwrap().window.open(channel);
    }

    fn handle_event(
        &self,
        queue: u16,
        _events: EventSet,
        vrings: &[VringRwLock],
        _thread: usize,
    ) -> io::Result<()> {
        let vring = vrings
            .get(usize::from(queue))
            .ok_or(io::ErrorKind::InvalidInput)?;
        loop {
            let memory = self.memory.memory();
            let next = vring
                .get_mut()
                .get_queue_mut()
                .pop_descriptor_chain(memory.clone());
            let Some(chain) = next else {
                return Ok(());
            };
            let head = chain.head_index();
            let len = self.requests.lock().unwrap().serve(&memory, chain)?;
            vring.add_used(head, len).map_err(io::Error::other)?;
            vring.signal_used_queue()?;
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().collect();
    let [_, socket, directory] = words.as_slice() else {
        return Err("usage: virtiofs-window SOCKET DIRECTORY".into());
    };
    let memory = GuestMemoryAtomic::new(GuestMemoryMmap::new());
    let device = Arc::new(Device {
        memory: memory.clone(),
        requests: Mutex::new(Requests::new(directory)?),
    });
    VhostUserDaemon::new("virtiofs-window".into(), device, memory)
        .map_err(|e| format!("{e:?}"))?
        .serve(socket)
        .map_err(|e| format!("{e:?}").into())
}
