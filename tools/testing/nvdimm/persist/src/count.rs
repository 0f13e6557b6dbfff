// SPDX-License-Identifier: GPL-2.0

//! The cost of an operation: the difference of the counts at two markers, a window.
//!
//! An interrupt in a window would be counted too, so windows with one are left out. The cost is the
//! median of the others: sometimes the kernel does rare work (it fills a cache or splits a node),
//! which would change a mean.

use crate::lines::Counts;

/// The counts between two moments, or since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    pub instructions: u64,
    pub lines: Counts,
}

impl Cost {
    fn since(&self, start: &Self) -> Self {
        Self {
            instructions: self.instructions - start.instructions,
            lines: self.lines.since(&start.lines),
        }
    }
}

/// The windows of one operation.
#[derive(Debug, Default)]
pub struct Windows {
    open: Option<(Cost, i64)>,
    complete: Vec<Cost>,
    interrupted: u64,
}

/// The cost of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    pub cost: Cost,
    /// The number of windows with exactly this cost.
    pub same: usize,
    /// The number of windows without an interrupt.
    pub complete: usize,
    pub interrupted: u64,
}

impl Windows {
    /// Begins a window; `interrupts` is the number of interrupts until now.
    pub fn start(&mut self, now: Cost, interrupts: i64) {
        self.open = Some((now, interrupts));
    }

    /// Ends the window, if one has begun.
    pub fn stop(&mut self, now: Cost, interrupts: i64) {
        match self.open.take() {
            Some((start, then)) if then == interrupts => self.complete.push(now.since(&start)),
            Some(_) => self.interrupted += 1,
            None => {}
        }
    }

    /// The median by instructions; `None` if no window is complete.
    pub fn usual(&self) -> Option<Usual> {
        let mut sorted = self.complete.clone();
        sorted.sort_unstable();
        let cost = *sorted.get((sorted.len().max(1) - 1) / 2)?;
        Some(Usual {
            cost,
            same: sorted.iter().filter(|other| **other == cost).count(),
            complete: sorted.len(),
            interrupted: self.interrupted,
        })
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn at(instructions: u64) -> Cost {
        let lines = Counts {
            fences: instructions / 10,
            ..Counts::default()
        };
        Cost {
            instructions,
            lines,
        }
    }

    /// Windows of these lengths, one after the other; true: with an interrupt.
    fn windows(lengths: &[(u64, bool)]) -> Windows {
        let mut windows = Windows::default();
        let (mut now, mut interrupts) = (1000, 0);
        for (len, interrupted) in lengths {
            windows.start(at(now), interrupts);
            now += len;
            interrupts += i64::from(*interrupted);
            windows.stop(at(now), interrupts);
        }
        windows
    }

    #[test]
    fn the_median_of_the_windows_without_an_interrupt_counts() {
        let lengths = [
            (900, false),
            (50, true),
            (50, true),
            (50, true),
            (60, false),
            (70, false),
            (70, false),
            (10, false),
        ];
        let expected = Usual {
            cost: at(70),
            same: 2,
            complete: 5,
            interrupted: 3,
        };
        assert_eq!(windows(&lengths).usual(), Some(expected));
    }

    #[test]
    fn of_two_in_the_middle_the_shorter_counts() {
        let usual = windows(&[(80, false), (60, false)]).usual();
        assert_eq!(usual.map(|u| u.cost), Some(at(60)));
    }

    #[test]
    fn without_a_complete_window_there_is_no_answer() {
        assert_eq!(windows(&[(10, true)]).usual(), None);
        let mut windows = Windows::default();
        windows.stop(at(5), 0);
        assert_eq!(windows.usual(), None);
    }
}
