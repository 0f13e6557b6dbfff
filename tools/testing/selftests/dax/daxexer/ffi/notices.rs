// SPDX-License-Identifier: GPL-2.0

//! fanotify(7): what a listener is told of a file, and is asked about it beforehand.

use super::{count, status};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

const FAN_CLOEXEC: u32 = 1;
const FAN_NONBLOCK: u32 = 2;
const FAN_CLASS_PRE_CONTENT: u32 = 8;
const FAN_MARK_ADD: u32 = 1;
pub const FAN_ACCESS: u64 = 1;
pub const FAN_MODIFY: u64 = 2;
const FAN_PRE_ACCESS: u64 = 0x0010_0000;
const FAN_ALLOW: u32 = 1;
const FAN_DENY: u32 = 2;
const INFO_TYPE_RANGE: u8 = 6;
const O_CLOEXEC: u32 = 0o2_000_000;

/// Bytes of `struct fanotify_event_metadata`.
const METADATA: usize = 24;

extern "C" {
    fn fanotify_init(flags: u32, event_flags: u32) -> i32;
    fn fanotify_mark(fd: i32, flags: u32, mask: u64, dir: i32, path: *const u8) -> i32;
}

/// A group that listens to events of one file.
struct Group(File);

impl Group {
    fn new(file: &File, class: u32, mask: u64) -> io::Result<Self> {
        // SAFETY: The call takes numbers only.
        let fd = count(unsafe { fanotify_init(class | FAN_CLOEXEC, O_CLOEXEC) } as isize)?;
        // SAFETY: The kernel has just made the descriptor, and no other object has it.
        let group = Self(unsafe { File::from_raw_fd(fd as i32) });
        let (fd, marked) = (group.0.as_raw_fd(), file.as_raw_fd());
        // SAFETY: Without a path, the mark is for the file of the descriptor.
        status(unsafe { fanotify_mark(fd, FAN_MARK_ADD, mask, marked, std::ptr::null()) })?;
        Ok(group)
    }

    /// Reads some events; there are none if the group does not block and nothing has happened.
    fn events(&self) -> io::Result<Vec<Event>> {
        let mut buf = vec![0; 4096];
        let len = match (&self.0).read(&mut buf) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            len => len?,
        };
        let (mut rest, mut events) = (&buf[..len], Vec::new());
        while rest.len() >= METADATA {
            let (event, others) = rest.split_at(number(rest, 0, 4) as usize);
            events.push(Event::new(event));
            rest = others;
        }
        Ok(events)
    }
}

/// The number in `len` bytes at an offset.
fn number(bytes: &[u8], at: usize, len: usize) -> u64 {
    let digits = bytes[at..at + len].iter().rev();
    digits.fold(0, |number, byte| number << 8 | u64::from(*byte))
}

struct Event {
    mask: u64,
    /// The file, opened by the kernel for the listener.
    file: Option<OwnedFd>,
    /// The offset and the length that the access is about.
    range: Option<(u64, u64)>,
}

impl Event {
    /// Parses a `struct fanotify_event_metadata` and the records behind it.
    fn new(bytes: &[u8]) -> Self {
        let fd = number(bytes, 16, 4) as u32 as i32;
        // SAFETY: The kernel has made the descriptor for this event, and each event is parsed once.
        let file = (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) });
        let (mut rest, mut range) = (&bytes[METADATA..], None);
        while rest.len() >= 4 {
            // struct fanotify_event_info_range: type, pad, len, pad, offset, count
            let (info, others) = rest.split_at(number(rest, 2, 2) as usize);
            if info[0] == INFO_TYPE_RANGE {
                range = Some((number(info, 8, 8), number(info, 16, 8)));
            }
            rest = others;
        }
        Self {
            mask: number(bytes, 8, 8),
            file,
            range,
        }
    }
}

/// A listener that is told of reads and writes of a file.
pub struct Notices(Group);

impl Notices {
    pub fn new(file: &File) -> io::Result<Self> {
        Group::new(file, FAN_NONBLOCK, FAN_ACCESS | FAN_MODIFY).map(Self)
    }

    /// The kinds of events since the last call, as the sum of their bits.
    pub fn take(&self) -> io::Result<u64> {
        let events = self.0.events()?;
        Ok(events.iter().fold(0, |all, event| all | event.mask))
    }
}

/// A listener that decides on accesses to a file before they happen.
pub struct Guard(Group);

impl Guard {
    /// Guards the file. What is open already does not ask.
    pub fn new(file: &File) -> io::Result<Self> {
        Group::new(file, FAN_CLASS_PRE_CONTENT, FAN_PRE_ACCESS).map(Self)
    }

    /// Waits for accesses, tells of their ranges, and allows or denies them.
    pub fn answer(&self, allow: bool, mut tell: impl FnMut(u64, u64)) -> io::Result<()> {
        for event in self.0.events()? {
            if let Some((off, len)) = event.range {
                tell(off, len);
            }
            let Some(file) = event.file else { continue };
            // struct fanotify_response: fd, response
            let answer = if allow { FAN_ALLOW } else { FAN_DENY };
            let mut response = file.as_raw_fd().to_ne_bytes().to_vec();
            response.extend(answer.to_ne_bytes());
            (&self.0 .0).write_all(&response)?;
        }
        Ok(())
    }
}
