// SPDX-License-Identifier: GPL-2.0

//! Runs the operations of a thread in a phase, one after the other, and checks each.

use crate::ffi::{copy_range, load, store};
use crate::plan::{Plan, Step};
use crate::program::*;
use crate::shadow::{fill, Bytes};
use daxexer::ffi::process::{Child, End};
use daxexer::ffi::range::{clone_range, dedupe_range, Dedupe};
use daxexer::ffi::view::{Sharing, View, PROT_READ, PROT_WRITE};
use daxexer::ffi::{self, Area, Seg};
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// The number of steps of all threads so far.
pub static PROGRESS: AtomicU64 = AtomicU64::new(0);

const EAGAIN: i32 = 11;

/// A file, opened in every way.
pub struct Handles {
    pub plain: File,
    pub direct: File,
    pub dsync: File,
}

/// A file that is mapped.
pub struct Mapping {
    pub file: u64,
    pub len: usize,
    pub view: View,
}

/// The state that a thread keeps from phase to phase.
pub struct Worker {
    pub slots: [Option<Mapping>; SLOTS],
    area: Area,
}

impl Worker {
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            slots: [const { None }; SLOTS],
            area: Area::new(LIMIT as usize + 4096)?,
        })
    }
}

/// The names of the files; `None` for an unlinked one.
pub type Names = Vec<Mutex<Option<String>>>;

pub struct Thread<'a> {
    pub number: usize,
    pub worker: &'a mut Worker,
    pub files: &'a [Handles],
    pub names: &'a Names,
    pub plan: &'a Plan,
    pub view: Vec<Bytes>,
}

pub enum Bad {
    Call(io::Error),
    Wrong(String),
}

impl From<io::Error> for Bad {
    fn from(error: io::Error) -> Self {
        Bad::Call(error)
    }
}

impl From<String> for Bad {
    fn from(text: String) -> Self {
        Bad::Wrong(text)
    }
}

/// The number of bytes that an operation has transferred.
type Done = Result<u64, Bad>;

impl Thread<'_> {
    /// Runs all steps; returns the thread's view.
    pub fn run(mut self) -> Result<Vec<Bytes>, String> {
        for step in &self.plan.steps[self.number] {
            self.step(step)
                .map_err(|error| format!("{}: {error}", step.op))?;
            PROGRESS.fetch_add(1, Relaxed);
        }
        Ok(self.view)
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let done = match self.operate(step) {
            Ok(done) => done,
            Err(_) if step.noise || self.plan.race.violent => return Ok(()),
            Err(Bad::Call(e)) if e.raw_os_error() == Some(EAGAIN) && nowait(&step.op) => 0,
            Err(Bad::Call(e)) => return Err(e.to_string()),
            Err(Bad::Wrong(text)) => return Err(text),
        };
        if let Some(number) = step.effect {
            let effect = &self.plan.race.effects[number];
            effect.apply(&mut self.view, done);
            effect.certain.store(done == effect.len, Relaxed);
        }
        Ok(())
    }

    fn operate(&mut self, step: &Step) -> Done {
        use Verb::*;
        let op = &step.op;
        let [file, off, len, ..] = op.args;
        let plain = || &self.files[file as usize].plain;
        match op.verb {
            Own => Ok(0),
            Write => self.write(op),
            Read => self.read(step),
            Map => self.map(op),
            Unmap | Remap | Protect => self.remap(op),
            Load => self.load(step),
            Store | Fork => self.store(op),
            Cow => self.cow(op),
            Msync => Ok(self.sync(op).map(|()| 0)?),
            Advise => self.advise(op),
            Send | Receive => self.transfer(op),
            Punch => allocate(
                plain(),
                ffi::FALLOC_PUNCH_HOLE | ffi::FALLOC_KEEP_SIZE,
                off,
                len,
            ),
            Keep => allocate(plain(), ffi::FALLOC_KEEP_SIZE, off, len),
            Unshare => allocate(plain(), ffi::FALLOC_UNSHARE_RANGE, off, len),
            Zero => allocate(plain(), ffi::FALLOC_ZERO_RANGE, off, len),
            Alloc | Collapse | Insert | Truncate => self.shift(op),
            Clone | Copy => self.copy(op),
            Dedupe => self.dedupe(step),
            Fsync => Ok(plain().sync_all().map(|()| 0)?),
            Rename | Unlink => self.name(op),
        }
    }

    fn way(&self, file: u64, how: u64) -> &File {
        let handles = &self.files[file as usize];
        match how {
            // ext4 supports RWF_NOWAIT for direct writes only
            DIRECT | NOWAIT => &handles.direct,
            DSYNC => &handles.dsync,
            _ => &handles.plain,
        }
    }

    /// The segment of the buffer for a transfer: at any offset in a line, or, for SHORT, so that
    /// only half of it is accessible. Returns the accessible length too.
    fn segment(&self, len: usize, how: u64, turn: u64) -> (Seg, usize) {
        if how != SHORT {
            let start = (turn % 64) as usize;
            return (Seg { start, len }, len);
        }
        let there = len / 2;
        let seg = Seg {
            start: self.worker.area.len() - there,
            len: len.min(there + PAGE as usize),
        };
        (seg, there)
    }

    fn write(&mut self, op: &Op) -> Done {
        let [file, off, len, seed, how, _] = op.args;
        let (seg, there) = self.segment(len as usize, how, seed);
        let bytes = self.worker.area.bytes_mut();
        fill(seed, 0, &mut bytes[seg.start..seg.start + there]);
        let to = self.way(file, how);
        let done = match how {
            NOWAIT => self.worker.area.write_nowait(to, seg, off)?,
            SHORT if there == 0 => return Ok(0),
            _ => self.worker.area.pwrite(to, seg, off)?,
        };
        whole(done, there, self.may_end_early(how, done, there))
    }

    /// Whether a transfer may end after `done` bytes.
    fn may_end_early(&self, how: u64, done: usize, there: usize) -> bool {
        // the copy routine may leave out a part of the last accessible line
        let nearly = how == SHORT && done + 64 > there;
        nearly || how == NOWAIT || self.plan.race.violent
    }

    fn read(&mut self, step: &Step) -> Done {
        let [file, off, len, how, ..] = step.op.args;
        let (seg, there) = self.segment(len as usize, how, off / 3);
        let from = &self.files[file as usize];
        let area = &mut self.worker.area;
        let done = match how {
            NOWAIT => area.read_nowait(&from.plain, seg, off)?,
            SHORT if there == 0 => 0,
            DIRECT => area.pread(&from.direct, seg, off)?,
            _ => area.pread(&from.plain, seg, off)?,
        };
        if !step.noise {
            self.check(
                file,
                off,
                &self.worker.area.bytes()[seg.start..seg.start + done],
            )?;
            whole(done, there, self.may_end_early(how, done, there))?;
        }
        Ok(0)
    }

    fn check(&self, file: u64, off: u64, got: &[u8]) -> Result<(), String> {
        let race = &self.plan.race;
        race.check_seen(self.number, &self.view, file as usize, off, got)
    }

    fn map(&mut self, op: &Op) -> Done {
        let [number, file, off, len, kind, shift] = op.args;
        let sharing = match kind {
            PRIVATE => Sharing::Private,
            SYNC => Sharing::Synchronous,
            _ => Sharing::Shared,
        };
        let slot = &mut self.worker.slots[number as usize];
        *slot = None;
        let (handle, len) = (&self.files[file as usize].plain, len as usize);
        let (prot, shift) = (PROT_READ | PROT_WRITE, (shift * PAGE) as usize);
        let view = View::new(handle, off, len, sharing, prot, shift)?;
        *slot = Some(Mapping { file, len, view });
        Ok(0)
    }

    fn remap(&mut self, op: &Op) -> Done {
        let slot = &mut self.worker.slots[op.args[0] as usize];
        let Some(mapping) = slot else {
            return Ok(0);
        };
        match op.verb {
            Verb::Remap => {
                let (len, shift) = (op.args[1] as usize, (op.args[2] * PAGE) as usize);
                mapping.view.relocate(len, shift)?;
                mapping.len = len;
            }
            Verb::Protect => {
                let write = if op.args[1] == READONLY {
                    0
                } else {
                    PROT_WRITE
                };
                mapping.view.protect(0, mapping.len, PROT_READ | write)?;
            }
            _ => *slot = None,
        }
        Ok(0)
    }

    /// The mapping of an operation. It is missing only if mmap() failed after the device's removal.
    fn mapping(&self, op: &Op) -> Result<&Mapping, Bad> {
        let mapping = self.worker.slots[op.args[0] as usize].as_ref();
        mapping.ok_or(Bad::Wrong("no such mapping".into()))
    }

    fn load(&mut self, step: &Step) -> Done {
        let [_, off, len, ..] = step.op.args;
        let mut bytes = vec![0; len as usize];
        let mapping = self.mapping(&step.op)?;
        let left = load(&mapping.view, off as usize, &mut bytes);
        bytes.truncate(bytes.len() - left);
        if !step.noise {
            self.check(mapping.file, mapping.view.origin + off, &bytes)?;
            present(left)?;
        }
        Ok(0)
    }

    fn store(&mut self, op: &Op) -> Done {
        let [_, off, len, seed, ..] = op.args;
        let mut data = vec![0; len as usize];
        fill(seed, 0, &mut data);
        let view = &self.mapping(op)?.view;
        if op.verb == Verb::Store {
            return present(store(view, off as usize, &data)).map(|()| len);
        }
        let child = Child::new(|| i32::from(store(view, off as usize, &data) != 0))?;
        match child.wait()? {
            End::Exit(0) => Ok(len),
            end => Err(Bad::Wrong(format!("the child: {end:?}"))),
        }
    }

    /// Stores to a private mapping.
    fn cow(&mut self, op: &Op) -> Done {
        let [_, off, len, seed, ..] = op.args;
        let (mut data, mut back) = (vec![0; len as usize], vec![0; len as usize]);
        fill(seed, 0, &mut data);
        let view = &self.mapping(op)?.view;
        present(store(view, off as usize, &data))?;
        present(load(view, off as usize, &mut back))?;
        // a punch or a truncation of the file removes private pages too
        let mut effects = self.plan.race.effects.iter();
        let alone = effects.all(|effect| effect.thread == self.number);
        if alone && back != data {
            return Err(Bad::Wrong("private pages hold something else".into()));
        }
        Ok(0)
    }

    fn sync(&self, op: &Op) -> io::Result<()> {
        let (off, end) = (op.args[1] / PAGE * PAGE, op.args[1] + op.args[2]);
        match &self.worker.slots[op.args[0] as usize] {
            Some(mapping) => mapping.view.sync(off as usize, (end - off) as usize),
            None => Ok(()),
        }
    }

    fn advise(&mut self, op: &Op) -> Done {
        let [_, off, len, advice, ..] = op.args;
        let done =
            self.mapping(op)?
                .view
                .advise(off as usize, len as usize, ADVICE[advice as usize]);
        match advice {
            // the kernel may ignore these
            HUGEPAGE.. if advice != REMOVE => Ok(0),
            _ => Ok(done.map(|()| len)?),
        }
    }

    fn transfer(&mut self, op: &Op) -> Done {
        let [_, start, len, file, off, _] = op.args;
        let (start, length) = (start as usize, len as usize);
        let (view, file) = (&self.mapping(op)?.view, &self.files[file as usize].plain);
        let done = match op.verb {
            Verb::Send => view.send(start, length, file, off)?,
            _ => view.receive(start, length, file, off)?,
        };
        whole(done, length, self.plan.race.violent)
    }

    fn shift(&mut self, op: &Op) -> Done {
        let [file, off, len, ..] = op.args;
        let handle = &self.files[file as usize].plain;
        let (at, end) = (off as usize, (off + len) as usize);
        match op.verb {
            Verb::Alloc => allocate(handle, 0, off, len)?,
            Verb::Collapse => allocate(handle, ffi::FALLOC_COLLAPSE_RANGE, off, len)?,
            Verb::Insert => allocate(handle, ffi::FALLOC_INSERT_RANGE, off, len)?,
            _ => handle.set_len(off).map(|()| 0)?,
        };
        if self.plan.race.owner[file as usize] == Some(self.number) {
            let bytes = Arc::make_mut(&mut self.view[file as usize]);
            match op.verb {
                Verb::Alloc => bytes.resize(bytes.len().max(end), 0),
                Verb::Collapse => drop(bytes.drain(at..end)),
                Verb::Insert => drop(bytes.splice(at..at, std::iter::repeat_n(0, end - at))),
                _ => bytes.resize(at, 0),
            }
        }
        Ok(0)
    }

    fn copy(&mut self, op: &Op) -> Done {
        let [from, off, len, to, target, _] = op.args;
        let (from, to) = (
            &self.files[from as usize].plain,
            &self.files[to as usize].plain,
        );
        if op.verb == Verb::Clone {
            clone_range(from, off, len, to, target)?;
            return Ok(len);
        }
        let mut done = 0;
        while done < len {
            match copy_range(from, off + done, len - done, to, target + done)? {
                0 => break,
                n => done += n as u64,
            }
        }
        whole(done as usize, len as usize, self.plan.race.violent)
    }

    fn dedupe(&mut self, step: &Step) -> Done {
        let [from, off, len, to, target, _] = step.op.args;
        let (source, goal) = (
            &self.files[from as usize].plain,
            &self.files[to as usize].plain,
        );
        let same = match dedupe_range(source, off, len, goal, target)? {
            Dedupe::Failed(error) => return Err(error.into()),
            Dedupe::Differs => return Ok(0),
            Dedupe::Same(same) => same,
        };
        if same != len {
            return Err(Bad::Wrong(format!("{same:#x} bytes are the same")));
        }
        if !step.noise {
            let (from, to) = ((from as usize, off), (to as usize, target));
            let race = &self.plan.race;
            race.check_same(self.number, &self.view, from, to, len)?;
        }
        Ok(0)
    }

    fn name(&mut self, op: &Op) -> Done {
        let lock = self.names[op.args[0] as usize].lock();
        let mut name = lock.map_err(|_| "another thread has failed".to_string())?;
        let Some(old) = name.take() else {
            return Ok(0);
        };
        if op.verb == Verb::Unlink {
            std::fs::remove_file(old)?;
            return Ok(0);
        }
        let new = format!("{old}r");
        std::fs::rename(old, &new)?;
        *name = Some(new);
        Ok(0)
    }
}

fn nowait(op: &Op) -> bool {
    match op.verb {
        Verb::Write => op.args[4] == NOWAIT,
        Verb::Read => op.args[3] == NOWAIT,
        _ => false,
    }
}

fn allocate(file: &File, mode: i32, off: u64, len: u64) -> Done {
    Ok(ffi::file_allocate(file, mode, off, len).map(|()| len)?)
}

/// Fails if a transfer is incomplete, unless a `part` of it is enough.
fn whole(done: usize, len: usize, part: bool) -> Done {
    if done == len || part && done < len {
        return Ok(done as u64);
    }
    Err(Bad::Wrong(format!("{done:#x} of {len:#x} bytes")))
}

/// Fails if SIGBUS has ended an access early.
fn present(left: usize) -> Result<(), Bad> {
    match left {
        0 => Ok(()),
        _ => Err(Bad::Wrong(format!(
            "SIGBUS, {left:#x} bytes before the end"
        ))),
    }
}
