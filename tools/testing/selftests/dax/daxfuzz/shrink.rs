// SPDX-License-Identifier: GPL-2.0

//! Shrinks a program that fails: delta debugging of its operations, then of phases, threads and
//! numbers.

use crate::program::*;

/// Returns a smaller program for which `fails` returns true; calls `fails` at most `budget` times.
pub fn shrink(program: &Program, budget: usize, fails: impl FnMut(&Program) -> bool) -> Program {
    let mut shrinker = Shrinker {
        best: program.clone(),
        left: budget,
        fails,
    };
    shrinker.drop_phases();
    loop {
        let before = shrinker.best.clone();
        shrinker.drop_ops();
        shrinker.join_phases();
        shrinker.calm();
        shrinker.one_thread();
        shrinker.numbers();
        if shrinker.left == 0 || shrinker.best == before {
            return shrinker.best;
        }
    }
}

struct Shrinker<F> {
    best: Program,
    left: usize,
    fails: F,
}

impl<F: FnMut(&Program) -> bool> Shrinker<F> {
    fn accept(&mut self, candidate: Program) -> bool {
        if self.left == 0 || candidate == self.best {
            return false;
        }
        self.left -= 1;
        if (self.fails)(&candidate) {
            self.best = candidate;
            return true;
        }
        false
    }

    /// Leaves out ranges of `0..count`, in decreasing sizes; `without` makes the program without a
    /// range.
    fn drop_ranges(
        &mut self,
        count: impl Fn(&Program) -> usize,
        without: impl Fn(&Program, usize, usize) -> Program,
    ) {
        let mut size = count(&self.best).next_power_of_two();
        while size > 0 && self.left > 0 {
            // start at the end: earlier operations seldom depend on later ones
            let mut end = count(&self.best);
            while end > 0 {
                let start = end.saturating_sub(size);
                let candidate = without(&self.best, start, end);
                self.accept(candidate);
                end = start;
            }
            size /= 2;
        }
    }

    fn drop_phases(&mut self) {
        self.drop_ranges(
            |program| program.phases.len(),
            |program, start, end| {
                let mut program = program.clone();
                program.phases.drain(start..end);
                program
            },
        );
    }

    fn drop_ops(&mut self) {
        self.drop_ranges(Program::len, |program, start, end| {
            let (mut program, mut number) = (program.clone(), 0);
            for phase in &mut program.phases {
                phase.ops.retain(|_| {
                    number += 1;
                    !(start..end).contains(&(number - 1))
                });
            }
            let needed = |phase: &Phase| !phase.ops.is_empty() || phase.event != Event::None;
            program.phases.retain(needed);
            program
        });
    }

    fn each_phase(&mut self, change: impl Fn(&mut Vec<Phase>, usize)) {
        for number in (0..self.best.phases.len()).rev() {
            if number < self.best.phases.len() {
                let mut candidate = self.best.clone();
                change(&mut candidate.phases, number);
                self.accept(candidate);
            }
        }
    }

    fn join_phases(&mut self) {
        self.each_phase(|phases, number| {
            if number > 0 && phases[number].event == Event::None {
                let phase = phases.remove(number);
                phases[number - 1].ops.extend(phase.ops);
            }
        });
    }

    fn calm(&mut self) {
        self.each_phase(|phases, number| phases[number].event = Event::None);
    }

    fn one_thread(&mut self) {
        self.each_phase(|phases, number| {
            phases[number].ops.iter_mut().for_each(|op| op.thread = 0);
        });
        let mut candidate = self.best.clone();
        let ops = candidate.phases.iter_mut().flat_map(|phase| &mut phase.ops);
        ops.for_each(|op| op.thread = 0);
        self.accept(candidate);
    }

    /// Simplifies arguments: the first word of each kind, round and small offsets and lengths.
    fn numbers(&mut self) {
        for phase in 0..self.best.phases.len() {
            for op in 0..self.best.phases[phase].ops.len() {
                let roles = self.best.phases[phase].ops[op].roles();
                for (number, role) in roles.chars().enumerate() {
                    self.number(phase, op, number, role);
                }
            }
        }
    }

    fn number(&mut self, phase: usize, op: usize, number: usize, role: char) {
        let value = |program: &Program| program.phases[phase].ops[op].args[number];
        let was = value(&self.best);
        let simpler: &[u64] = match role {
            'o' => &[0, was / PAGE * PAGE, was / 2 / PAGE * PAGE],
            'l' => &[PAGE, was.next_multiple_of(PAGE), was / 2],
            'W' | 'K' | 'x' => &[0],
            _ => &[],
        };
        for new in simpler.iter().filter(|new| **new < was || was % PAGE != 0) {
            let mut candidate = self.best.clone();
            candidate.phases[phase].ops[op].args[number] = (*new).min(LIMIT);
            if self.accept(candidate) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{generate, Allowed};

    const ALL: Allowed = Allowed {
        poison: true,
        unbind: true,
    };

    /// Fails if a dedupe of a file follows a punch of that file.
    fn fails(program: &Program) -> bool {
        let mut punched = [false; FILES as usize];
        let mut ops = program.phases.iter().flat_map(|phase| &phase.ops);
        ops.any(|op| match op.verb {
            Verb::Punch => {
                punched[op.args[0] as usize] = true;
                false
            }
            Verb::Dedupe => punched[op.args[0] as usize],
            _ => false,
        })
    }

    #[test]
    fn little_is_left() {
        for seed in 0..5 {
            let program = generate(Fs::Xfs, seed, 1000, ALL);
            assert!(fails(&program));
            let small = shrink(&program, 2000, fails);
            assert!(fails(&small));
            assert_eq!((small.len(), small.phases.len()), (2, 1), "{small}");
            assert!(small.phases[0].ops.iter().all(|op| op.thread == 0));
        }
    }

    #[test]
    fn a_phase_that_is_needed_stays() {
        let event = |program: &Program| {
            let unbinds = |phase: &Phase| matches!(phase.event, Event::Unbind { .. });
            program.phases.iter().any(unbinds)
        };
        let small = shrink(&generate(Fs::Ext4, 2, 3000, ALL), 2000, event);
        assert!(event(&small) && small.phases.len() == 1 && small.len() == 0);
    }

    #[test]
    fn it_does_not_ask_too_often() {
        let mut asked = 0;
        shrink(&generate(Fs::Xfs, 1, 1000, ALL), 17, |_| {
            asked += 1;
            false
        });
        assert_eq!(asked, 17);
    }
}
