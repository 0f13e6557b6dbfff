// SPDX-License-Identifier: GPL-2.0

//! Plans the operations of a phase before it begins: ranges that fit the files, the thread that
//! owns a file, and the possible contents of its bytes.

use crate::program::*;
use crate::shadow::{Bytes, Content, Effect, Race};
use std::sync::atomic::AtomicBool;

/// The plan's knowledge of a mapping.
#[derive(Clone, Copy)]
pub struct Slot {
    pub file: usize,
    pub origin: u64,
    pub len: u64,
    pub kind: u64,
    pub writable: bool,
    /// The thread has stored to private pages, which no longer follow the file.
    pub touched: bool,
}

/// The state that the operations of a phase find.
#[derive(Clone, Default)]
pub struct State {
    pub sizes: Vec<u64>,
    pub linked: Vec<bool>,
    pub slots: [[Option<Slot>; SLOTS]; THREADS],
}

impl State {
    pub fn new() -> Self {
        Self {
            sizes: vec![0; FILES as usize],
            linked: vec![true; FILES as usize],
            slots: Default::default(),
        }
    }

    /// An unmount removes all mappings, and the files without a name.
    pub fn unmount(&mut self) {
        self.slots = Default::default();
        for (size, linked) in self.sizes.iter_mut().zip(&mut self.linked) {
            *size = if *linked { *size } else { 0 };
            *linked = true;
        }
    }
}

/// An operation to run.
pub struct Step {
    /// The operation, with arguments that fit the files.
    pub op: Op,
    /// Its index in the effects of the phase.
    pub effect: Option<usize>,
    /// Its data and its result are not checked, because another thread owns the file.
    pub noise: bool,
}

pub struct Plan {
    pub steps: Vec<Vec<Step>>,
    pub race: Race,
}

/// Plans a phase, and updates `state` to the end of the phase.
pub fn plan(fs: Fs, phase: &Phase, state: &mut State, start: Vec<Bytes>) -> Plan {
    let mut planner = Planner::new(fs, phase, state);
    let mut steps = Vec::new();
    for thread in 0..THREADS {
        let own = phase.ops.iter().filter(|op| op.thread == thread);
        steps.push(own.filter_map(|op| planner.step(*op)).collect());
    }
    let mut race = Race::new(start, planner.effects, planner.owner);
    race.violent = phase.event.is_violent();
    race.cow = fs == Fs::Xfs;
    Plan { steps, race }
}

struct Planner<'a> {
    fs: Fs,
    event: Event,
    state: &'a mut State,
    /// The files' sizes at the beginning, which all threads but the owner use.
    before: Vec<u64>,
    owner: Vec<Option<usize>>,
    /// The thread that may change the file's name.
    namer: Vec<Option<usize>>,
    effects: Vec<Effect>,
}

fn first(phase: &Phase, file: usize, verbs: &[Verb]) -> Option<usize> {
    let mut about = phase
        .ops
        .iter()
        .filter(|op| op.args[0] as usize == file && verbs.contains(&op.verb));
    about.next().map(|op| op.thread)
}

/// Clips the range to `size`; `None` if nothing remains.
fn within(off: u64, len: u64, size: u64) -> Option<(u64, u64)> {
    let len = len.min(size.checked_sub(off)?);
    (len != 0).then_some((off, len))
}

fn page_down(at: u64) -> u64 {
    at / PAGE * PAGE
}

fn disjoint(a: u64, b: u64, len: u64) -> bool {
    let (low, high) = (a.min(b), a.max(b));
    page_down(high) >= (low + len).next_multiple_of(PAGE)
}

impl<'a> Planner<'a> {
    fn new(fs: Fs, phase: &Phase, state: &'a mut State) -> Self {
        use Verb::*;
        let files = 0..FILES as usize;
        let owning = [Own, Collapse, Insert, Truncate, Alloc];
        let calm = !phase.event.is_violent();
        let owner = |file| first(phase, file, &owning).filter(|_| calm);
        let namer = |file| first(phase, file, &[Rename, Unlink]).filter(|_| calm);
        Self {
            fs,
            event: phase.event,
            before: state.sizes.clone(),
            owner: files.clone().map(owner).collect(),
            namer: files.map(namer).collect(),
            effects: Vec::new(),
            state,
        }
    }

    fn owns(&self, thread: usize, file: usize) -> bool {
        self.owner[file] == Some(thread)
    }

    fn foreign(&self, thread: usize, file: usize) -> bool {
        self.owner[file].is_some() && !self.owns(thread, file)
    }

    fn size(&self, thread: usize, file: usize) -> u64 {
        match self.owns(thread, file) {
            true => self.state.sizes[file],
            false => self.before[file],
        }
    }

    fn step(&mut self, op: Op) -> Option<Step> {
        use Verb::*;
        match op.verb {
            Own => None,
            Read | Fsync | Keep => self.look(op),
            Write | Punch | Zero | Alloc | Unshare => self.change(op),
            Collapse | Insert | Truncate => self.shift(op),
            Map => self.map(op),
            Unmap | Remap | Protect => self.remap(op),
            Load | Store | Cow | Fork | Msync | Advise => self.access(op),
            Send | Receive => self.transfer(op),
            Clone | Dedupe | Copy => self.copy(op),
            Rename | Unlink => self.name(op),
        }
    }

    fn plain(&self, op: Op, noise: bool) -> Option<Step> {
        Some(Step {
            op,
            effect: None,
            noise,
        })
    }

    fn with_effect(
        &mut self,
        op: Op,
        file: usize,
        (off, len): (u64, u64),
        content: Content,
        stored: bool,
    ) -> Option<Step> {
        if self.foreign(op.thread, file) {
            return None;
        }
        if let Content::Copy { file: from, .. } = content {
            if self.foreign(op.thread, from) {
                return None;
            }
        }
        self.effects.push(Effect {
            thread: op.thread,
            file,
            off,
            len,
            content,
            stored,
            certain: AtomicBool::new(false),
        });
        Some(Step {
            op,
            effect: Some(self.effects.len() - 1),
            noise: false,
        })
    }

    /// Plans operations on a file that do not change its bytes.
    fn look(&mut self, mut op: Op) -> Option<Step> {
        let file = op.args[0] as usize;
        if op.verb == Verb::Read {
            let (off, len) = within(op.args[1], op.args[2], self.size(op.thread, file))?;
            (op.args[1], op.args[2]) = (off, len);
        } else if op.verb == Verb::Keep {
            op.args[2] = op.args[2].clamp(1, LIMIT - op.args[1].min(LIMIT - 1));
            op.args[1] = op.args[1].min(LIMIT - 1);
        }
        self.plain(op, self.foreign(op.thread, file))
    }

    /// Plans operations that give a range new content. Those of the owner may extend the file.
    fn change(&mut self, mut op: Op) -> Option<Step> {
        let (file, size) = (
            op.args[0] as usize,
            self.size(op.thread, op.args[0] as usize),
        );
        let grows =
            self.owns(op.thread, file) && matches!(op.verb, Verb::Write | Verb::Zero | Verb::Alloc);
        let most = if grows { LIMIT } else { size };
        let (off, len) = within(op.args[1], op.args[2], most)?;
        (op.args[1], op.args[2]) = (off, len);
        if op.verb == Verb::Unshare || op.verb == Verb::Alloc && !grows {
            // the operation could extend a file that its owner truncates at the same time
            let allowed = op.verb == Verb::Alloc || self.fs == Fs::Xfs;
            let skipped = !allowed || self.foreign(op.thread, file);
            return self.plain(op, false).filter(|_| !skipped);
        }
        if grows {
            // a write that may end early makes the size unpredictable
            if op.verb == Verb::Write && off + len > size && [SHORT, NOWAIT].contains(&op.args[4]) {
                op.args[4] = PLAIN;
            }
            self.state.sizes[file] = size.max(off + len);
        }
        match op.verb {
            Verb::Write => {
                let content = Content::Seed(op.args[3]);
                self.with_effect(op, file, (off, len), content, false)
            }
            // changes only the size
            Verb::Alloc => self.plain(op, false),
            _ => self.with_effect(op, file, (off, len), Content::Zero, false),
        }
    }

    /// Plans operations of a file's owner that move its end, or the bytes behind a range.
    fn shift(&mut self, mut op: Op) -> Option<Step> {
        let file = op.args[0] as usize;
        if !self.owns(op.thread, file) {
            return None;
        }
        let size = &mut self.state.sizes[file];
        if op.verb == Verb::Truncate {
            *size = op.args[1].min(LIMIT);
            op.args[1] = *size;
            return self.plain(op, false);
        }
        let (off, len) = (page_down(op.args[1]), page_down(op.args[2]).max(PAGE));
        (op.args[1], op.args[2]) = (off, len);
        match op.verb {
            Verb::Collapse if off + len < *size => *size -= len,
            Verb::Insert if off < *size && *size + len <= LIMIT => *size += len,
            _ => return None,
        }
        self.plain(op, false)
    }

    fn map(&mut self, mut op: Op) -> Option<Step> {
        let [number, file, off, len, kind, _] = op.args;
        // ext4 is no holder of its device: pages that are mapped at its removal crash the kernel
        if self.fs == Fs::Ext4 && matches!(self.event, Event::Unbind { .. }) {
            return None;
        }
        op.args[2] = page_down(off.min(LIMIT - PAGE));
        op.args[3] = page_down(len.min(LIMIT - op.args[2])).max(PAGE);
        self.state.slots[op.thread][number as usize] = Some(Slot {
            file: file as usize,
            origin: op.args[2],
            len: op.args[3],
            kind,
            writable: true,
            touched: false,
        });
        self.plain(op, false)
    }

    fn slot(&self, op: &Op) -> Option<Slot> {
        self.state.slots[op.thread][op.args[0] as usize]
    }

    fn slot_mut(&mut self, op: &Op) -> &mut Option<Slot> {
        &mut self.state.slots[op.thread][op.args[0] as usize]
    }

    fn remap(&mut self, mut op: Op) -> Option<Step> {
        let mut slot = self.slot(&op)?;
        match op.verb {
            Verb::Remap => {
                op.args[1] = page_down(op.args[1].min(LIMIT)).max(PAGE);
                slot.len = op.args[1];
            }
            Verb::Protect => slot.writable = op.args[1] != READONLY,
            _ => {
                *self.slot_mut(&op) = None;
                return self.plain(op, false);
            }
        }
        *self.slot_mut(&op) = Some(slot);
        self.plain(op, false)
    }

    /// The part of the operation's range that the mapping and the file have: offset in the mapping,
    /// offset in the file, length.
    fn part(&self, op: &Op, slot: &Slot) -> Option<(u64, u64, u64)> {
        let (off, len) = within(op.args[1], op.args[2], slot.len)?;
        let (at, len) = within(slot.origin + off, len, self.size(op.thread, slot.file))?;
        Some((off, at, len))
    }

    fn access(&mut self, mut op: Op) -> Option<Step> {
        let slot = self.slot(&op)?;
        let (off, at, len) = self.part(&op, &slot)?;
        (op.args[1], op.args[2]) = (off, len);
        let foreign = self.foreign(op.thread, slot.file);
        let shared = slot.kind != PRIVATE;
        match op.verb {
            Verb::Load => self.plain(op, foreign || slot.touched),
            Verb::Msync => self.plain(op, foreign),
            Verb::Cow if shared || !slot.writable || foreign => None,
            Verb::Cow => {
                self.slot_mut(&op).as_mut()?.touched = true;
                self.plain(op, false)
            }
            Verb::Advise => self.advise(op, &slot, (off, at, len)),
            _ if !slot.writable || !shared => None,
            _ => self.with_effect(op, slot.file, (at, len), Content::Seed(op.args[3]), true),
        }
    }

    fn advise(&mut self, mut op: Op, slot: &Slot, (off, at, len): (u64, u64, u64)) -> Option<Step> {
        let (from, to) = (page_down(off), (off + len).next_multiple_of(PAGE));
        (op.args[1], op.args[2]) = (from, to - from);
        let stores = slot.writable && slot.kind != PRIVATE;
        match op.args[3] {
            HUGEPAGE | NOHUGEPAGE => {
                // move all of it: moving a part would split the mapping, and mremap() takes only
                // one
                (op.args[1], op.args[2]) = (0, slot.len);
                self.plain(op, true)
            }
            POPULATE_WRITE | REMOVE if !stores => None,
            REMOVE => {
                let start = page_down(at);
                let range = within(start, to - from, self.size(op.thread, slot.file))?;
                self.with_effect(op, slot.file, range, Content::Zero, false)
            }
            _ => self.plain(op, self.foreign(op.thread, slot.file)),
        }
    }

    /// Plans transfers between a mapping and a file.
    fn transfer(&mut self, mut op: Op) -> Option<Step> {
        let slot = self.slot(&op)?;
        let (off, at, len) = self.part(&op, &slot)?;
        let file = op.args[3] as usize;
        let (other, len) = within(op.args[4], len, self.size(op.thread, file))?;
        (op.args[1], op.args[2], op.args[4]) = (off, len, other);
        if slot.touched || slot.file == file && !disjoint(at, other, len) {
            return None;
        }
        if op.verb == Verb::Send {
            let content = Content::Copy {
                file: slot.file,
                off: at,
            };
            return self.with_effect(op, file, (other, len), content, false);
        }
        if slot.kind == PRIVATE || !slot.writable {
            return None;
        }
        let content = Content::Copy { file, off: other };
        self.with_effect(op, slot.file, (at, len), content, true)
    }

    /// Plans clones, deduplications and copies from one range of a file to another.
    fn copy(&mut self, mut op: Op) -> Option<Step> {
        let (from, to) = (op.args[0] as usize, op.args[3] as usize);
        let whole = op.verb != Verb::Copy;
        if whole && self.fs != Fs::Xfs {
            return None;
        }
        let place = |at| if whole { page_down(at) } else { at };
        let (off, len) = within(place(op.args[1]), op.args[2], self.size(op.thread, from))?;
        let (target, len) = within(place(op.args[4]), len, self.size(op.thread, to))?;
        let len = place(len);
        if len == 0 || from == to && !disjoint(off, target, len) {
            return None;
        }
        op.args = [from as u64, off, len, to as u64, target, 0];
        if op.verb == Verb::Dedupe {
            let noise = self.foreign(op.thread, from) || self.foreign(op.thread, to);
            return self.plain(op, noise);
        }
        let content = Content::Copy { file: from, off };
        self.with_effect(op, to, (target, len), content, false)
    }

    fn name(&mut self, op: Op) -> Option<Step> {
        let file = op.args[0] as usize;
        if self.namer[file] != Some(op.thread) || !self.state.linked[file] {
            return None;
        }
        self.state.linked[file] = op.verb == Verb::Rename;
        self.plain(op, false)
    }
}

#[cfg(test)]
mod tests;
