// SPDX-License-Identifier: GPL-2.0

//! Runs programs, phase by phase, and compares all files with their expected content after each.

use crate::ffi::{extents, load};
use crate::operate::{Handles, Names, Thread, Worker, PROGRESS};
use crate::plan::{plan, Plan, State};
use crate::program::*;
use crate::shadow::{differences, fill, Bytes};
use crate::world::World;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::{scope, sleep, ScopedJoinHandle};
use std::time::Duration;

use daxexer::ffi::view::{Sharing, View, PROT_READ};
use daxexer::ffi::{O_DIRECT, O_DSYNC};

type Result<T = ()> = std::result::Result<T, String>;

const EIO: i32 = 5;
const FILE_COUNT: usize = FILES as usize;

pub struct Machine<'a> {
    world: &'a mut World,
    state: State,
    shadow: Vec<Bytes>,
    files: Vec<Handles>,
    names: Names,
    workers: Vec<Worker>,
}

/// Runs a program on new files. The error has the phase and the cause.
pub fn run(world: &mut World, program: &Program) -> Result {
    let mut machine = Machine::new(world)?;
    for (number, phase) in program.phases.iter().enumerate() {
        let place = |error| format!("phase {number}: {error}");
        machine.world.say(&format!("phase {number}"));
        machine.phase(phase).map_err(place)?;
        machine.world.reports().map_err(place)?;
    }
    machine.remount(false)
}

impl<'a> Machine<'a> {
    fn new(world: &'a mut World) -> Result<Self> {
        // ignore the reports that an earlier, failed program caused
        let _ = world.reports();
        let mut machine = Self {
            world,
            state: State::new(),
            shadow: vec![Arc::default(); FILE_COUNT],
            files: Vec::new(),
            names: (0..FILE_COUNT).map(|_| Mutex::new(None)).collect(),
            workers: Vec::new(),
        };
        for entry in fs::read_dir(&machine.world.dir).into_iter().flatten() {
            let path = entry.map_err(|e| e.to_string())?.path();
            if path.is_file() {
                fs::remove_file(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            }
        }
        for _ in 0..THREADS {
            let worker = Worker::new().map_err(|e| format!("memory: {e}"))?;
            machine.workers.push(worker);
        }
        machine.open()?;
        Ok(machine)
    }

    /// Opens the files, and creates those that have no name.
    fn open(&mut self) -> Result {
        for (number, name) in self.names.iter_mut().enumerate() {
            let name = name.get_mut().map_err(|e| e.to_string())?;
            let new = name.is_none();
            let path = name.get_or_insert_with(|| format!("{}/f{number}", self.world.dir));
            let open = |flags| {
                let opened = OpenOptions::new()
                    .read(true)
                    .write(true)
                    .create(new)
                    .custom_flags(flags)
                    .open(&*path);
                opened.map_err(|e| format!("{path}: {e}"))
            };
            self.files.push(Handles {
                plain: open(0)?,
                direct: open(O_DIRECT)?,
                dsync: open(O_DSYNC)?,
            });
        }
        Ok(())
    }

    /// Closes and unmaps everything that keeps the filesystem busy.
    fn close(&mut self) -> Result {
        for worker in &mut self.workers {
            worker.slots = [const { None }; SLOTS];
        }
        self.files.clear();
        for (number, name) in self.names.iter_mut().enumerate() {
            if name.get_mut().map_err(|e| e.to_string())?.is_none() {
                self.shadow[number] = Arc::default();
            }
        }
        self.state.unmount();
        self.world.umount()
    }

    /// Unmounts, checks and mounts the filesystem; unbinds and binds the device in between if
    /// `rebind`.
    fn remount(&mut self, rebind: bool) -> Result {
        self.close()?;
        if rebind {
            self.world.unbind()?;
            self.world.bind()?;
        }
        self.world.check()?;
        self.reopened()
    }

    /// Brings device and filesystem back after a removal; the mount has to replay the log.
    fn recover(&mut self) -> Result {
        self.close()?;
        self.world.bind()?;
        self.world.mount()?;
        self.world.umount()?;
        self.world.check()?;
        self.world.mount()?;
        self.open()
    }

    fn reopened(&mut self) -> Result {
        self.world.mount()?;
        self.open()?;
        (0..FILE_COUNT).try_for_each(|file| {
            let got = self.read(file, None)?;
            differences(file, 0, &got, &self.shadow[file], |_, _| false)
                .map_err(|e| format!("after a remount: {e}"))
        })
    }

    fn phase(&mut self, phase: &Phase) -> Result {
        match phase.event {
            Event::None => {}
            Event::Drop => self.world.drop_caches()?,
            Event::Remount => self.remount(false)?,
            Event::Rebind => self.remount(true)?,
            Event::Poison { file, off, len } => self.poison(file as usize, off, len)?,
            Event::Unbind { .. } => self.ready_for_unbind()?,
        }
        let fs = self.world.fs;
        let plan = plan(fs, phase, &mut self.state, self.shadow.clone());
        let views = self.threads(&plan, phase.event)?;
        if let Event::Unbind { .. } = phase.event {
            self.recover()?;
        }
        self.settle(&plan, &views, phase.event)?;
        if let Event::Poison { .. } = phase.event {
            self.cured()?;
        }
        self.check_mappings()
    }

    /// Prepares for the removal of the device: syncs everything that must survive it.
    fn ready_for_unbind(&mut self) -> Result {
        if self.world.fs == Fs::Ext4 {
            // ext4 is no holder of its device: pages that are mapped at its removal crash the
            // kernel
            self.state.slots = Default::default();
            for worker in &mut self.workers {
                worker.slots = [const { None }; SLOTS];
            }
        }
        self.world.drop_caches()
    }

    fn threads(&mut self, plan: &Plan, event: Event) -> Result<Vec<Vec<Bytes>>> {
        let (files, names, world) = (&self.files, &self.names, &*self.world);
        let over = &AtomicBool::new(false);
        scope(|scope| {
            let start = |(number, worker)| {
                let thread = Thread {
                    number,
                    worker,
                    files,
                    names,
                    plan,
                    view: plan.race.start.clone(),
                };
                scope.spawn(|| thread.run())
            };
            let threads: Vec<_> = self.workers.iter_mut().enumerate().map(start).collect();
            let going = match event {
                Event::Unbind { after } => Some(scope.spawn(move || go(world, after, over))),
                _ => None,
            };
            let views: Vec<_> = threads.into_iter().map(joined).collect();
            over.store(true, Relaxed);
            going.map_or(Ok(()), joined)?;
            views.into_iter().collect()
        })
    }

    /// Reads a whole file. Pages that cannot be read become zeroes, and are added to `lost`.
    fn read(&self, file: usize, lost: Option<&mut Vec<u64>>) -> Result<Vec<u8>> {
        PROGRESS.fetch_add(1, Relaxed);
        let handle = &self.files[file].plain;
        let wrong = |e: std::io::Error| format!("file {file}: {e}");
        let size = handle.metadata().map_err(wrong)?.len();
        let mut bytes = vec![0; size as usize];
        let Some(lost) = lost else {
            handle.read_exact_at(&mut bytes, 0).map_err(wrong)?;
            return Ok(bytes);
        };
        for (n, page) in bytes.chunks_mut(PAGE as usize).enumerate() {
            let off = n as u64 * PAGE;
            match handle.read_exact_at(page, off) {
                Err(e) if e.raw_os_error() == Some(EIO) => {
                    page.fill(0);
                    lost.push(off);
                }
                other => other.map_err(wrong)?,
            }
        }
        Ok(bytes)
    }

    /// Checks that all files have a content that the phase can have left, and takes that content as
    /// the expected one from now on.
    fn settle(&mut self, plan: &Plan, views: &[Vec<Bytes>], event: Event) -> Result {
        for file in 0..FILE_COUNT {
            let mut lost = Vec::new();
            let poison = matches!(event, Event::Poison { .. });
            let mut got = self.read(file, poison.then_some(&mut lost))?;
            // a file without a name does not survive an unmount
            let mut merged = match (event, self.state.sizes[file]) {
                (Event::Unbind { .. }, 0) => Arc::default(),
                _ => plan.race.merged(file, views),
            };
            let repaired: &mut Vec<u8> = Arc::make_mut(&mut merged);
            self.heal(file, &lost, &mut got, repaired)?;
            plan.race.check_left(file, &got, &merged)?;
            self.shadow[file] = Arc::new(got);
            self.check_new_mapping(file)?;
        }
        Ok(())
    }

    /// Checks a whole file by a new mapping.
    fn check_new_mapping(&self, file: usize) -> Result {
        let want = &self.shadow[file];
        if want.is_empty() {
            return Ok(());
        }
        let handle = &self.files[file].plain;
        let view = View::new(handle, 0, want.len(), Sharing::Shared, PROT_READ, 0)
            .map_err(|e| format!("file {file}: mmap: {e}"))?;
        let mut got = vec![0; want.len()];
        match load(&view, 0, &mut got) {
            0 => differences(file, 0, &got, want, |_, _| false)
                .map_err(|e| format!("through a new mapping: {e}")),
            left => Err(format!(
                "file {file}: SIGBUS, {left:#x} bytes before its end"
            )),
        }
    }

    /// Checks that the threads' mappings have the content of the files.
    fn check_mappings(&self) -> Result {
        let real = self.workers.iter().flat_map(|worker| &worker.slots);
        for (slot, real) in self.state.slots.iter().flatten().zip(real) {
            let (Some(slot), Some(real)) = (slot, real) else {
                continue;
            };
            let want = &self.shadow[slot.file];
            let end = (want.len() as u64).min(slot.origin + slot.len);
            if slot.touched || end <= slot.origin {
                continue;
            }
            let mut got = vec![0; (end - slot.origin) as usize];
            let left = load(&real.view, 0, &mut got);
            if left != 0 {
                return Err(format!(
                    "an old mapping: SIGBUS, {left:#x} bytes before its end"
                ));
            }
            let want = &want[slot.origin as usize..end as usize];
            differences(slot.file, slot.origin, &got, want, |_, _| false)
                .map_err(|e| format!("through an old mapping: {e}"))?;
        }
        Ok(())
    }

    /// The ranges of a file with poison.
    fn bad_ranges(&self, file: usize) -> Result<Vec<(u64, u64)>> {
        let bad = self.world.bad()?;
        let extents = extents(&self.files[file].plain).map_err(|e| format!("fiemap: {e}"))?;
        let mut found = Vec::new();
        for (logical, physical, len) in extents {
            for (at, bytes) in &bad {
                let (from, to) = ((*at).max(physical), (at + bytes).min(physical + len));
                if from < to {
                    found.push((logical + from - physical, to - from));
                }
            }
        }
        Ok(found)
    }

    fn poison(&mut self, file: usize, off: u64, len: u64) -> Result {
        let handle = &self.files[file].plain;
        handle.sync_all().map_err(|e| format!("fsync: {e}"))?;
        let extents = extents(handle).map_err(|e| format!("fiemap: {e}"))?;
        for (logical, physical, extent) in extents {
            let (from, to) = (off.max(logical), (off + len).min(logical + extent));
            let (from, to) = (from.next_multiple_of(512), to / 512 * 512);
            if from < to {
                self.world.poison(physical + from - logical, to - from)?;
            }
        }
        Ok(())
    }

    /// Writes lost pages again, which clears their poison. They must have had poison.
    fn heal(&self, file: usize, lost: &[u64], got: &mut [u8], merged: &mut [u8]) -> Result {
        let bad = if lost.is_empty() {
            return Ok(());
        } else {
            self.bad_ranges(file)?
        };
        let handle = &self.files[file].plain;
        for page in lost {
            let (off, end) = (*page as usize, (*page + PAGE) as usize);
            if !bad
                .iter()
                .any(|(at, len)| *at < *page + PAGE && *page < at + len)
            {
                return Err(format!(
                    "file {file}: EIO at {page:#x}, where no memory is bad"
                ));
            }
            let mut fresh = [0; PAGE as usize];
            fill(*page, 0, &mut fresh);
            handle.write_all_at(&fresh, *page).map_err(|e| {
                format!("file {file}: bad memory at {page:#x} is not replaced: {e}")
            })?;
            let end = end.min(got.len());
            got[off..end].copy_from_slice(&fresh[..end - off]);
            merged[off..end].copy_from_slice(&fresh[..end - off]);
        }
        handle
            .set_len(got.len() as u64)
            .map_err(|e| format!("file {file}: {e}"))
    }

    /// Collects errors that syncs have not reported yet, and clears the poison of free memory.
    fn cured(&mut self) -> Result {
        for handles in &self.files {
            for handle in [&handles.plain, &handles.direct, &handles.dsync] {
                let _: std::io::Result<()> = File::sync_all(handle);
            }
        }
        for file in 0..FILE_COUNT {
            if let Some((at, _)) = self.bad_ranges(file)?.first() {
                let size = self.shadow[file].len() as u64;
                if *at < size {
                    return Err(format!("file {file}: bad memory at {at:#x} could be read"));
                }
            }
        }
        match self.world.bad()?.is_empty() {
            true => Ok(()),
            false => self.remount(true),
        }
    }
}

/// Removes the device after `after` more operations, or after the last one.
fn go(world: &World, after: u64, over: &AtomicBool) -> Result {
    let until = PROGRESS.load(Relaxed) + after;
    while PROGRESS.load(Relaxed) < until && !over.load(Relaxed) {
        sleep(Duration::from_micros(200));
    }
    world.unbind()
}

fn joined<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().unwrap_or(Err("the thread panicked".into()))
}
