// SPDX-License-Identifier: GPL-2.0

//! Mounts, reads and checks a filesystem on a persistent memory device.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

use persist::history::Found;
use persist::memory;
use rustix::fs::OFlags;
use rustix::mount::{mount, unmount, MountFlags, UnmountFlags};

/// The kernel's messages when it replays a log.
const REPLAYED: [&str; 2] = ["recovery complete", "Ending recovery"];

/// A device and its mount point.
#[derive(Clone, Copy)]
pub struct Disk<'a> {
    pub name: &'a str,
    pub filesystem: &'a str,
    pub dir: &'a str,
}

/// An error of a filesystem after a power cut.
pub type Bad = String;

impl Disk<'_> {
    fn device(&self) -> String {
        format!("/dev/{}", self.name)
    }

    /// The first physical address of the device, and its length.
    pub fn memory(&self) -> io::Result<(u64, u64)> {
        match &memory::of(Path::new(&self.device()))?[..] {
            [part] => Ok((part.start, part.len)),
            _ => Err(io::Error::other("its memory is not of one piece")),
        }
    }

    /// Mounts it with DAX and with these options.
    pub fn mount(&self, options: &str) -> io::Result<()> {
        fs::create_dir_all(self.dir)?;
        let separator = if options.is_empty() { "" } else { "," };
        let options = CString::new(format!("dax=always{separator}{options}"))?;
        Ok(mount(
            self.device(),
            self.dir,
            self.filesystem,
            MountFlags::empty(),
            Some(options.as_c_str()),
        )?)
    }

    pub fn unmount(&self) -> io::Result<()> {
        Ok(unmount(self.dir, UnmountFlags::empty())?)
    }

    /// Reads all files.
    fn read(&self) -> io::Result<Found> {
        let mut found = Found::new();
        for entry in fs::read_dir(self.dir)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                let name = entry.file_name().to_string_lossy().into_owned();
                found.insert(name, fs::read(entry.path())?);
            }
        }
        Ok(found)
    }

    /// Mounts the filesystem after a power cut, reads its files, and runs fsck. Returns the files,
    /// and whether the mount replayed the log.
    pub fn recover(&self) -> Result<(Found, bool), Bad> {
        let mut log = Log::new().map_err(|error| format!("/dev/kmsg: {error}"))?;
        self.mount("")
            .map_err(|error| format!("it cannot be mounted: {error}"))?;
        let found = self
            .read()
            .map_err(|error| format!("it cannot be read: {error}"));
        self.unmount()
            .map_err(|error| format!("it cannot be unmounted: {error}"))?;
        let found = found?;
        self.check()?;
        Ok((found, log.says(&REPLAYED)))
    }

    fn check(&self) -> Result<(), Bad> {
        let (program, words) = match self.filesystem {
            "xfs" => ("xfs_repair", &["-n", "-o", "force_geometry"][..]),
            _ => ("e2fsck", &["-f", "-n"][..]),
        };
        let mut command = Command::new(program);
        let output = command.args(words).arg(self.device()).output();
        let output = output.map_err(|error| format!("{program}: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        Err(format!(
            "{program}: {}:\n{}",
            output.status,
            String::from_utf8_lossy(&said)
        ))
    }
}

/// The kernel's messages from now on.
struct Log(File);

impl Log {
    fn new() -> io::Result<Self> {
        let flags = OFlags::NONBLOCK.bits() as i32;
        let mut log = OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open("/dev/kmsg")?;
        log.seek(SeekFrom::End(0))?;
        Ok(Self(log))
    }

    /// Whether the kernel has printed one of these. Each read returns a record.
    fn says(&mut self, what: &[&str]) -> bool {
        let mut record = [0; 8192];
        while let Ok(len) = self.0.read(&mut record) {
            let record = String::from_utf8_lossy(&record[..len]);
            if what.iter().any(|what| record.contains(what)) {
                return true;
            }
        }
        false
    }
}
