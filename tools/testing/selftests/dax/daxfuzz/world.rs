// SPDX-License-Identifier: GPL-2.0

//! Administers the device and its filesystem, and reads the kernel's log.

use crate::program::Fs;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

type Result<T = ()> = std::result::Result<T, String>;

const O_NONBLOCK: i32 = 0o4000;
const DRIVER: &str = "/sys/bus/nd/drivers/nd_pmem";

/// The kernel's messages about defects; a filesystem that loses its device prints none of these.
const REPORTS: [&str; 10] = [
    "WARNING: ",
    "refcount_t: ",
    "UBSAN",
    "KASAN",
    "BUG: ",
    "BUG at",
    "Oops",
    "INFO: task",
    "possible circular",
    "possible recursive",
];
/// Those after which a kernel is unreliable, or which it prints only once.
const LAST: &[&str] = REPORTS.split_at(4).1;

pub struct World {
    pub fs: Fs,
    /// The mount point of the filesystem.
    pub dir: String,
    disk: String,
    namespace: String,
    log: File,
    /// The kernel has reported a defect after which it is unreliable.
    pub broken: bool,
}

fn write(path: &str, text: &str) -> Result {
    fs::write(path, text).map_err(|e| format!("{text} to {path}: {e}"))
}

/// Runs a command; the error has its output.
fn run(words: &[&str]) -> Result {
    let command = words.join(" ");
    let done = Command::new(words[0]).args(&words[1..]).output();
    let done = done.map_err(|e| format!("{command}: {e}"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = [done.stdout, done.stderr].concat();
    Err(format!(
        "{command}: {}",
        String::from_utf8_lossy(&said).trim()
    ))
}

/// Retries until it succeeds, because the kernel has to finish work in the background.
fn until(what: &str, mut tried: impl FnMut() -> bool) -> Result {
    for _ in 0..2000 {
        if tried() {
            return Ok(());
        }
        sleep(Duration::from_millis(10));
    }
    Err(format!("{what}: it does not come"))
}

impl World {
    /// The world of the filesystem that is mounted at `dir` from `/dev/DISK`.
    pub fn new(fs: Fs, dir: &str, disk: &str) -> Result<Self> {
        let device = fs::canonicalize(format!("/sys/block/{disk}/device"));
        let device = device.map_err(|e| format!("{disk}: {e}"))?;
        let name = device.file_name().ok_or(format!("{disk}: no namespace"))?;
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(O_NONBLOCK)
            .open("/dev/kmsg");
        let mut log = opened.map_err(|e| format!("/dev/kmsg: {e}"))?;
        log.seek(SeekFrom::End(0))
            .map_err(|e| format!("/dev/kmsg: {e}"))?;
        Ok(Self {
            fs,
            dir: dir.into(),
            disk: disk.into(),
            namespace: name.to_string_lossy().into(),
            log,
            broken: false,
        })
    }

    fn device(&self) -> String {
        format!("/dev/{}", self.disk)
    }

    pub fn umount(&self) -> Result {
        run(&["umount", &self.dir])
    }

    pub fn mount(&self) -> Result {
        let options = ["mount", "-t", self.fs.name(), "-o", "dax=always"];
        let place = [self.device(), self.dir.clone()];
        run(&[&options[..], &[&place[0], &place[1]]].concat())
    }

    /// Runs fsck. The log must be empty.
    pub fn check(&self) -> Result {
        match self.fs {
            Fs::Ext4 => run(&["e2fsck", "-f", "-n", &self.device()]),
            Fs::Xfs => run(&["xfs_repair", "-n", "-o", "force_geometry", &self.device()]),
        }
    }

    pub fn unbind(&self) -> Result {
        write(&format!("{DRIVER}/unbind"), &self.namespace)
    }

    pub fn bind(&self) -> Result {
        write(&format!("{DRIVER}/bind"), &self.namespace)?;
        let size = format!("/sys/class/block/{}/size", self.disk);
        until("the disk", || {
            fs::metadata(self.device()).is_ok()
                && fs::read_to_string(&size).is_ok_and(|size| size.trim() != "0")
        })
    }

    pub fn drop_caches(&self) -> Result {
        run(&["sync"])?;
        write("/proc/sys/vm/drop_caches", "3")
    }

    fn badblocks(&self) -> String {
        format!("/sys/block/{}/badblocks", self.disk)
    }

    /// Injects poison into `len` bytes of the device, which must be whole sectors.
    pub fn poison(&self, at: u64, len: u64) -> Result {
        write(&self.badblocks(), &format!("{} {}", at / 512, len / 512))
    }

    /// The ranges of the device with poison, in bytes.
    pub fn bad(&self) -> Result<Vec<(u64, u64)>> {
        let path = self.badblocks();
        let text = fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
        let number = |word: Option<&str>| word.and_then(|w| w.parse::<u64>().ok());
        let range = |line: &str| {
            let mut words = line.split_whitespace();
            let (at, len) = (number(words.next()), number(words.next()));
            at.zip(len).map(|(at, len)| (at * 512, len * 512))
        };
        Ok(text.lines().filter_map(range).collect())
    }

    /// Prints a text to the kernel's log, to show where in a program a report came.
    pub fn say(&self, text: &str) {
        let file = OpenOptions::new().write(true).open("/dev/kmsg");
        // each write makes a record
        let record = format!("daxfuzz: {text}\n");
        let _ = file.and_then(|mut file| file.write_all(record.as_bytes()));
    }

    /// Fails if the kernel has reported a defect since the last call; also re-arms its one-time
    /// warnings.
    pub fn reports(&mut self) -> Result {
        let (mut first, mut record) = (None, [0; 8192]);
        loop {
            match self.log.read(&mut record) {
                Ok(0) => break,
                Ok(n) => {
                    let text = String::from_utf8_lossy(&record[..n]);
                    let text = text.lines().next().unwrap_or("");
                    if REPORTS.iter().any(|report| text.contains(report)) {
                        first.get_or_insert(text.split(';').nth(1).unwrap_or("").to_string());
                        self.broken |= LAST.iter().any(|report| text.contains(report));
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                // the kernel has dropped records, or a signal has interrupted the read
                Err(_) => {}
            }
        }
        match first {
            None => Ok(()),
            Some(text) => {
                let _ = fs::write("/sys/kernel/debug/clear_warn_once", "1");
                Err(format!("the kernel reports: {text}"))
            }
        }
    }
}
