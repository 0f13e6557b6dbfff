// SPDX-License-Identifier: GPL-2.0

//! Parses the plugin's timeline.

use std::collections::BTreeMap;

pub const LINE: u64 = 64;

/// The state of a line; a worse one compares as greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Durable,
    Pending,
    Dirty,
}

/// A change of a line's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub time: u64,
    pub state: State,
    /// The address of the last instruction that stored to the line.
    pub origin: u64,
}

/// A system call, from its beginning until it returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub name: String,
    pub begin: u64,
    pub end: u64,
}

impl Call {
    /// Whether the call makes data durable.
    pub fn syncs(&self) -> bool {
        self.name.contains("sync")
    }
}

/// The times of checks, with the lines that were not durable.
pub type Checks = BTreeMap<u64, Vec<u64>>;

/// The events of a scenario. Times are instructions since its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scenario {
    pub name: String,
    pub end: u64,
    /// The changes of each line, by the line's number.
    pub lines: BTreeMap<u64, Vec<Change>>,
    /// The file offsets of checked lines.
    pub offsets: BTreeMap<u64, u64>,
    pub calls: Vec<Call>,
    pub checks: Checks,
}

impl Scenario {
    /// The number of lines that were not durable at a check.
    pub fn lost(&self) -> usize {
        self.checks.values().map(Vec::len).sum()
    }
}

/// Returns the scenarios that have ended.
pub fn parse(text: &str) -> Result<Vec<Scenario>, String> {
    let mut reader = Reader::default();
    for (number, line) in text.lines().enumerate() {
        reader
            .event(line)
            .ok_or_else(|| format!("line {} is no event: {line}", number + 1))?;
    }
    Ok(reader.complete)
}

#[derive(Default)]
struct Reader {
    complete: Vec<Scenario>,
    /// The current scenario, and the time when it began.
    open: Option<(u64, Scenario)>,
}

impl Reader {
    fn event(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.split('\t').collect();
        let number = |n: usize| u64::from_str_radix(words.get(n)?, 16).ok();
        let (what, now) = (words[0], number(1)?);
        if what == "begin" {
            let name = (*words.get(2)?).into();
            let scenario = Scenario {
                name,
                ..Scenario::default()
            };
            self.open = Some((now, scenario));
            return Some(());
        }
        let (begin, scenario) = self.open.as_mut()?;
        let time = now.checked_sub(*begin)?;
        match what {
            "dirty" => scenario.change(time, State::Dirty, number(2)?, number(3)?, number(4)?),
            "pending" => scenario.change(time, State::Pending, number(2)?, number(3)?, number(4)?),
            "durable" => scenario.change(time, State::Durable, number(2)?, number(3)?, number(4)?),
            "call" => scenario.calls.push(Call {
                name: (*words.get(2)?).into(),
                begin: time,
                end: u64::MAX,
            }),
            "return" => scenario.calls.last_mut()?.end = time,
            "check" => scenario.check(time, number(2)?, number(3)?, number(4)?),
            "all" => drop(scenario.checks.entry(time).or_default()),
            "lost" => scenario.checks.entry(time).or_default().push(number(2)?),
            "end" => {
                scenario.end = time;
                let (_, mut scenario) = self.open.take()?;
                for call in &mut scenario.calls {
                    call.end = call.end.min(time);
                }
                self.complete.push(scenario);
            }
            _ => return None,
        }
        Some(())
    }
}

impl Scenario {
    fn change(&mut self, time: u64, state: State, first: u64, count: u64, origin: u64) {
        let change = Change {
            time,
            state,
            origin,
        };
        for line in first..first + count {
            self.lines.entry(line).or_default().push(change);
        }
    }

    fn check(&mut self, time: u64, first: u64, count: u64, offset: u64) {
        self.checks.entry(time).or_default();
        for n in 0..count {
            let at = offset / LINE * LINE + n * LINE;
            self.offsets.insert(first + n, at);
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let text = "begin\t100\ta name\ncall\t110\tfsync\ndirty\t112\t2\t2\tf00\nreturn\t120\n\
                    check\t121\t2\t2\t1001\nlost\t121\t3\ncall\t122\tmsync\nall\t123\nend\t130\nbegin\t140\tb\n";
        let scenarios = parse(text).unwrap();
        assert_eq!(scenarios.len(), 1);
        let scenario = &scenarios[0];
        assert_eq!((scenario.name.as_str(), scenario.end), ("a name", 0x30));
        let change = Change {
            time: 0x12,
            state: State::Dirty,
            origin: 0xf00,
        };
        assert_eq!(
            scenario.lines,
            [(2, vec![change]), (3, vec![change])].into()
        );
        assert_eq!(scenario.offsets, [(2, 0x1000), (3, 0x1040)].into());
        assert_eq!(scenario.checks, [(0x21, vec![3]), (0x23, vec![])].into());
        assert_eq!((scenario.calls[0].end, scenario.calls[1].end), (0x20, 0x30));
        assert!(scenario.calls[0].syncs());
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for text in [
            "nonsense",
            "dirty\t1\t2\t1\t0",
            "begin\t1",
            "begin\t5\ta\nend\t4",
        ] {
            assert!(parse(text).unwrap_err().contains("no event"), "{text}");
        }
    }
}
