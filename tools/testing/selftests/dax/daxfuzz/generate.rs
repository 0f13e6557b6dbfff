// SPDX-License-Identifier: GPL-2.0

//! Generates programs from seeds.

use crate::plan::{plan, Slot, State};
use crate::program::*;
use daxexer::data::Rng;
use std::sync::Arc;

/// The dangerous events that programs may contain.
#[derive(Clone, Copy)]
pub struct Allowed {
    pub poison: bool,
    pub unbind: bool,
}

/// Generates a program of about `ops` operations.
pub fn generate(fs: Fs, seed: u64, ops: usize, allowed: Allowed) -> Program {
    let mut generator = Generator {
        rng: Rng::new(seed),
        fs,
        allowed,
        state: State::new(),
        mapped: Default::default(),
    };
    let mut program = Program {
        fs,
        phases: vec![generator.beginning()],
    };
    while program.len() < ops {
        let phase = generator.phase();
        program.phases.push(phase);
    }
    program
}

struct Generator {
    rng: Rng,
    fs: Fs,
    allowed: Allowed,
    /// The state after the phases so far.
    state: State,
    /// The mappings of each thread in this phase: file, offset, length.
    mapped: [[Option<(u64, u64, u64)>; SLOTS]; THREADS],
}

/// The part of a file that an operation is for.
#[derive(Clone, Copy)]
enum Share {
    /// The thread's own part, in which other threads rarely work.
    Part(usize),
    All,
    /// The thread's own part, and bytes behind its end.
    Grown,
}

/// The operations on content, with their weights.
const CONTENT: &[(Verb, usize)] = &[
    (Verb::Write, 16),
    (Verb::Read, 8),
    (Verb::Map, 10),
    (Verb::Unmap, 1),
    (Verb::Remap, 2),
    (Verb::Protect, 1),
    (Verb::Load, 12),
    (Verb::Store, 14),
    (Verb::Cow, 2),
    (Verb::Fork, 1),
    (Verb::Msync, 3),
    (Verb::Advise, 6),
    (Verb::Send, 3),
    (Verb::Receive, 3),
    (Verb::Punch, 5),
    (Verb::Zero, 4),
    (Verb::Keep, 2),
    (Verb::Fsync, 3),
    (Verb::Copy, 2),
    (Verb::Rename, 1),
    (Verb::Unlink, 1),
];
const SHARING: &[(Verb, usize)] = &[(Verb::Clone, 8), (Verb::Dedupe, 7), (Verb::Unshare, 3)];
const SHIFTING: &[(Verb, usize)] = &[
    (Verb::Truncate, 4),
    (Verb::Collapse, 3),
    (Verb::Insert, 3),
    (Verb::Alloc, 3),
    (Verb::Write, 6),
    (Verb::Zero, 2),
    (Verb::Store, 3),
    (Verb::Load, 3),
];

impl Generator {
    fn chance(&mut self, percent: usize) -> bool {
        self.rng.below(100) < percent
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.rng.below(limit.max(1) as usize) as u64
    }

    fn pick(&mut self, weights: &[(Verb, usize)], more: &[(Verb, usize)]) -> Verb {
        let all = || weights.iter().chain(more);
        let mut at = self.rng.below(all().map(|w| w.1).sum());
        for (verb, weight) in all() {
            match at.checked_sub(*weight) {
                Some(left) => at = left,
                None => return *verb,
            }
        }
        Verb::Fsync
    }

    /// Plans the phase, which computes the state for the next one.
    fn done(&mut self, phase: Phase) -> Phase {
        if matches!(phase.event, Event::Remount | Event::Rebind) {
            self.state.unmount();
        }
        let start = vec![Arc::default(); FILES as usize];
        plan(self.fs, &phase, &mut self.state, start);
        if matches!(phase.event, Event::Unbind { .. }) {
            self.state.unmount();
        }
        phase
    }

    /// The first phase, which fills the files.
    fn beginning(&mut self) -> Phase {
        let mut ops = Vec::new();
        for file in 0..FILES {
            let size = self.below(LIMIT);
            ops.push(Op::new(0, Verb::Own, &[file]));
            ops.push(Op::new(0, Verb::Alloc, &[file, 0, size + 1]));
            for _ in 0..3 {
                let (off, len) = self.range((0, size));
                let seed = self.seed();
                ops.push(Op::new(0, Verb::Write, &[file, off, len, seed, PLAIN]));
            }
        }
        self.done(Phase {
            event: Event::None,
            ops,
        })
    }

    fn event(&mut self) -> Event {
        match self.rng.below(100) {
            0..=2 => Event::Drop,
            3..=4 => Event::Remount,
            5 => Event::Rebind,
            6..=9 if self.allowed.poison => {
                let file = self.below(FILES);
                let (off, len) = self.range((0, self.state.sizes[file as usize]));
                Event::Poison { file, off, len }
            }
            10..=11 if self.allowed.unbind => Event::Unbind {
                after: self.below(12),
            },
            _ => Event::None,
        }
    }

    fn phase(&mut self) -> Phase {
        let event = self.event();
        let known = |slot: &Option<Slot>| slot.map(|s| (s.file as u64, s.origin, s.len));
        self.mapped = self
            .state
            .slots
            .each_ref()
            .map(|slots| slots.each_ref().map(known));
        let mut ops = Vec::new();
        let shifter = self.chance(25).then(|| self.rng.below(THREADS));
        let threads = if self.chance(30) { 1 } else { THREADS };
        for thread in 0..threads.max(shifter.map_or(0, |t| t + 1)) {
            if shifter == Some(thread) {
                let file = self.below(FILES);
                ops.push(Op::new(thread, Verb::Own, &[file]));
                for _ in 0..1 + self.rng.below(4) {
                    let verb = self.pick(SHIFTING, &[]);
                    ops.push(self.op(thread, verb, Some(file), Share::Grown));
                }
                continue;
            }
            for _ in 0..1 + self.rng.below(7) {
                let verb = match self.fs {
                    Fs::Xfs => self.pick(CONTENT, SHARING),
                    Fs::Ext4 => self.pick(CONTENT, &[]),
                };
                let strays = threads == 1 || self.chance(25);
                let share = if strays {
                    Share::All
                } else {
                    Share::Part(thread)
                };
                ops.push(self.op(thread, verb, None, share));
            }
        }
        self.done(Phase { event, ops })
    }

    /// Returns one of few seeds, so that different ranges often have the same content.
    fn seed(&mut self) -> u64 {
        match self.rng.below(3) {
            0 => 1 + self.below(3),
            _ => 1 + self.below(1 << 20),
        }
    }

    fn length(&mut self) -> u64 {
        match self.rng.below(8) {
            0 => 1 + self.below(300),
            1 | 2 => PAGE * (1 + self.below(3)),
            3 => PAGE * (1 + self.below(3)) + self.below(5) - 2,
            4 | 5 => PAGE * (1 + self.below(32)),
            6 => 1 + self.below(200 << 10),
            _ => (2 << 20) * (1 + self.below(2)),
        }
    }

    /// Returns a random range within a space, which is an offset and a length.
    fn range(&mut self, space: (u64, u64)) -> (u64, u64) {
        let len = self.length().min(space.1.max(1));
        let off = space.0 + self.below(space.1 - len.min(space.1) + 1);
        match self.rng.below(4) {
            0 => (off, len),
            1 if len >= 2 << 20 => (off >> 21 << 21, len),
            _ => (off / PAGE * PAGE, len),
        }
    }

    /// The space in which a thread works: the whole file or its share, by the size at the beginning
    /// of the phase.
    fn space(&self, file: u64, share: Share) -> (u64, u64) {
        let size = self.state.sizes[file as usize];
        match share {
            Share::Grown => (0, LIMIT),
            Share::All => (0, size),
            Share::Part(thread) => {
                let part = size / THREADS as u64;
                (part * thread as u64, part)
            }
        }
    }

    fn op(&mut self, thread: usize, verb: Verb, file: Option<u64>, share: Share) -> Op {
        let file = file.unwrap_or(self.below(FILES));
        match Op::new(thread, verb, &[]).roles().chars().next() {
            Some('m') if verb != Verb::Map => self.op_on_mapping(thread, verb, file, share),
            _ => self.op_on_file(thread, verb, file, share),
        }
    }

    fn op_on_file(&mut self, thread: usize, verb: Verb, file: u64, share: Share) -> Op {
        let (space, number) = match verb {
            Verb::Map => ((0, LIMIT), self.below(SLOTS as u64)),
            _ => (self.space(file, share), 0),
        };
        let (mut off, mut len) = self.range(space);
        if verb == Verb::Map {
            off = if self.chance(60) {
                0
            } else {
                off / PAGE * PAGE
            };
            len = PAGE * (1 + self.below((LIMIT - off) / PAGE));
            self.mapped[thread][number as usize] = Some((file, off, len));
        }
        self.fill_in(Op::new(thread, verb, &[]), [number, file, off, len])
    }

    /// Generates an operation on a mapping, or one that makes the mapping.
    fn op_on_mapping(&mut self, thread: usize, verb: Verb, file: u64, share: Share) -> Op {
        let number = self.below(SLOTS as u64);
        let Some((file, origin, len)) = self.mapped[thread][number as usize] else {
            return self.op_on_file(thread, Verb::Map, file, share);
        };
        let (start, room) = self.space(file, share);
        let (from, to) = (start.max(origin), (start + room).min(origin + len));
        let (off, len) = match verb {
            Verb::Remap => (0, PAGE * (1 + self.below(LIMIT / PAGE))),
            _ if from < to => self.range((from, to - from)),
            _ => self.range((origin, len)),
        };
        self.fill_in(
            Op::new(thread, verb, &[]),
            [number, file, off.saturating_sub(origin), len],
        )
    }

    /// Chooses the remaining arguments.
    fn fill_in(&mut self, mut op: Op, [number, file, off, len]: [u64; 4]) -> Op {
        let (mut files, mut offsets) = (0, 0);
        let mut other = file;
        for (i, role) in op.roles().chars().enumerate() {
            op.args[i] = match role {
                'f' if files == 0 && !op.roles().starts_with('m') || op.verb == Verb::Map => {
                    files += 1;
                    file
                }
                'f' => {
                    other = self.below(FILES);
                    other
                }
                'm' => number,
                'o' if offsets == 0 => {
                    offsets += 1;
                    off
                }
                'o' => {
                    let space = self.space(other, Share::All);
                    self.range(space).0
                }
                'l' => len,
                's' => self.seed(),
                'W' if op.verb == Verb::Write => [0, 0, 0, 1, 2, 3, 4][self.rng.below(7)],
                'W' => [0, 0, 1, 3, 4][self.rng.below(5)],
                'K' => [0, 0, 0, 1, 2][self.rng.below(5)],
                'x' => [0, 0, 1][self.rng.below(3)],
                'P' => u64::from(self.chance(80)),
                _ => self.below(ADVICE.len() as u64),
            };
        }
        op
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Allowed = Allowed {
        poison: true,
        unbind: true,
    };

    #[test]
    fn a_seed_is_a_program() {
        let text = |seed| generate(Fs::Xfs, seed, 300, ALL).to_string();
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
        assert!(text(7).parse::<Program>().unwrap().len() >= 300);
    }

    /// Most operations fit the state that they find, and all kinds of operations occur.
    #[test]
    fn programs_are_worth_running() {
        for fs in [Fs::Ext4, Fs::Xfs] {
            let program = generate(fs, 1, 3000, ALL);
            let mut state = State::new();
            let (mut verbs, mut planned) = (vec![0; 64], 0);
            for phase in &program.phases {
                if phase.event != Event::None {
                    state.unmount();
                }
                let start = vec![Arc::default(); FILES as usize];
                for step in plan(fs, phase, &mut state, start).steps.iter().flatten() {
                    verbs[step.op.verb as usize] += 1;
                    planned += 1;
                }
            }
            assert!(
                planned * 2 > program.len(),
                "{planned} of {}",
                program.len()
            );
            let missing = (1..=Verb::Unlink as usize).filter(|verb| verbs[*verb] == 0);
            let allowed = if fs == Fs::Xfs { 0 } else { 3 };
            assert!(missing.count() <= allowed, "{verbs:?}");
        }
    }

    #[test]
    fn what_is_not_allowed_is_left_out() {
        let allowed = Allowed {
            poison: false,
            unbind: false,
        };
        let program = generate(Fs::Xfs, 3, 5000, allowed);
        assert!(program.phases.iter().all(|phase| !phase.event.is_violent()));
    }
}
