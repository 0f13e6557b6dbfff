// SPDX-License-Identifier: GPL-2.0

//! Answers the questions of the guest.

use iced_x86::Register;

use super::{Checker, PAGE};
use crate::count::{Cost, Usual, Windows};
use crate::images::Request;
use crate::lines::{Cpu, Finding, State};
use crate::marker::{Field, Question, NOT_THERE};
use crate::qemu;

/// The reason why the checker cannot answer, for the report.
type Refused = String;

impl Checker {
    /// Answers the question in these registers.
    pub fn marker(&mut self, cpu: Cpu, question: [Register; 3]) {
        let [Some(what), Some(address), Some(len)] = question.map(|name| self.read(cpu, name))
        else {
            return;
        };
        let question = Question::new([what, address, len]).ok_or("there is no such question");
        let answer = question.map_err(Refused::from).and_then(|q| self.answer(q));
        let answer = answer.unwrap_or_else(|why| {
            self.say(&format!("refused\t{why}"));
            NOT_THERE
        });
        if let Some(rax) = self.registers.get(&cpu).and_then(|of| of.get("rax")) {
            rax.write(answer);
        }
    }

    fn answer(&mut self, question: Question) -> Result<u64, Refused> {
        match question {
            Question::Check { address, len } => return self.check(address, len),
            Question::Memory { address, ranges } => return self.check_memory(address, ranges),
            Question::Begin { address, len } => self.begin(address, len),
            Question::End => self.end(),
            Question::Locate { address, offset } => {
                self.origin = Some(offset.wrapping_sub(address));
            }
            Question::Start => self.windows.start(self.cost(), self.interrupts),
            Question::Stop => self.windows.stop(self.cost(), self.interrupts),
            Question::Lost { number, field } => {
                let lost = usize::try_from(number).ok().and_then(|n| self.lost.get(n));
                let (offset, finding) = lost.ok_or("so many lines were not lost")?;
                return Ok(match field {
                    Field::Offset => *offset,
                    Field::State => u64::from(finding.state == State::Pending),
                    Field::Origin => finding.origin,
                });
            }
            Question::Images { address, words } => return self.images(address, words),
            Question::Watch { start, len } => {
                let end = start.checked_add(len).ok_or("it has no end")?;
                self.options.ranges.push((start, end));
            }
            Question::Fences { noticed } => self.fences_are_noticed = noticed,
        }
        Ok(0)
    }

    fn begin(&mut self, name: u64, len: u64) {
        let name = qemu::read_memory(name, len.min(200) as usize).unwrap_or_default();
        self.name = String::from_utf8_lossy(&name).replace(['\n', '\t'], " ");
        self.lines.begin();
        self.windows = Windows::default();
        self.origin = None;
        let (now, name) = (self.instructions.sum(), &self.name);
        self.options.timeline.begin(now, name);
        self.lines.changes = self.options.timeline.is_open().then(Vec::new);
    }

    fn end(&mut self) {
        let (name, counts) = (self.name.clone(), self.lines.counts.columns());
        self.say(&format!("counts\t{name}\t{counts}"));
        self.say_usual();
        self.options.timeline.end(self.instructions.sum());
        self.lines.changes = None;
    }

    fn cost(&self) -> Cost {
        Cost {
            instructions: self.instructions.sum(),
            lines: self.lines.counts,
        }
    }

    /// Writes the cost of the scenario's windows to the report, if it had any.
    fn say_usual(&mut self) {
        let Some(usual) = self.windows.usual() else {
            return;
        };
        let Cost {
            instructions,
            lines,
        } = usual.cost;
        let Usual {
            same,
            complete,
            interrupted,
            ..
        } = usual;
        let (name, hardware) = (self.name.clone(), lines.columns());
        self.say(&format!(
            "cost\t{name}\t{instructions}\t{hardware}\t{same}\t{complete}\t{interrupted}"
        ));
    }

    fn images(&mut self, address: u64, words: u64) -> Result<u64, Refused> {
        let request = Request::new(&words_at(address, words)?).ok_or("there is no such request")?;
        match request {
            Request::Watch { all } => {
                self.all_is_watched = all;
                return Ok(0);
            }
            Request::Begin { .. } => self.must_watch_all()?,
            _ => {}
        }
        if matches!(request, Request::Begin { .. })
            && self.registers.len() != 1
            && !self.options.turns
        {
            return Err(
                "CPUs that run at the same time have no order of stores; use one, or turns=yes"
                    .into(),
            );
        }
        let (answer, said) = self.images.answer(request)?;
        if let Some(said) = said {
            self.say(&said);
        }
        Ok(answer)
    }

    fn must_watch_all(&self) -> Result<(), Refused> {
        match self.all_is_watched {
            true => Ok(()),
            false => {
                Err("the plugin watches only markers; ask it to watch everything first".into())
            }
        }
    }

    /// The number of lines of a virtual range that are not durable.
    fn check(&mut self, address: u64, len: u64) -> Result<u64, Refused> {
        self.must_watch_all()?;
        self.lost.clear();
        let now = self.instructions.sum();
        let origin = self.origin.unwrap_or(address.wrapping_neg());
        let end = address.checked_add(len).ok_or("it has no end")?;
        let mut lost = Vec::new();
        let mut at = address;
        while at < end {
            let part = (PAGE - at % PAGE).min(end - at);
            let physical = qemu::translate(at).filter(|p| self.is_persistent(*p));
            let physical =
                physical.ok_or_else(|| format!("{at:#x} is not in persistent memory"))?;
            let place = at.wrapping_add(origin);
            self.options.timeline.check(now, physical, part, place);
            let found = self.lines.check(physical, part).into_iter();
            let offset =
                |finding: &Finding| at - address + finding.address.saturating_sub(physical);
            lost.extend(found.map(|finding| (offset(&finding), finding)));
            at += part;
        }
        Ok(self.found(now, lost))
    }

    /// The number of lines of ranges of physical memory that were stored to in this scenario and
    /// are not durable. An error if there were no stores: then the check would prove nothing.
    fn check_memory(&mut self, address: u64, ranges: u64) -> Result<u64, Refused> {
        self.must_watch_all()?;
        self.lost.clear();
        let now = self.instructions.sum();
        self.options.timeline.all(now);
        let (mut stored, mut lost) = (0, Vec::new());
        for range in words_at(address, ranges.saturating_mul(2))?.chunks_exact(2) {
            let (start, len) = (range[0], range[1]);
            if !self.is_all_persistent(start, len) {
                return Err(format!("{start:#x}+{len:#x} is not all persistent memory"));
            }
            let (lines, found) = self.lines.check_stored(start, len);
            stored += lines;
            lost.extend(found.into_iter().map(|finding| (finding.address, finding)));
        }
        if stored == 0 {
            return Err(format!("nothing was stored there: {}", self.name));
        }
        Ok(self.found(now, lost))
    }

    /// Reports the findings of a check, keeps them for later questions, and returns their number.
    fn found(&mut self, now: u64, lost: Vec<(u64, Finding)>) -> u64 {
        for (offset, finding) in &lost {
            let Finding {
                address,
                state,
                origin,
            } = finding;
            self.options.timeline.lost(now, *address);
            let name = self.name.clone();
            self.say(&format!(
                "lost\t{name}\t{address:#x}\t{offset:#x}\t{state:?}\t{origin:#x}"
            ));
        }
        self.lost = lost;
        self.lost.len() as u64
    }
}

/// Reads that many 64-bit words of the guest's memory.
fn words_at(address: u64, words: u64) -> Result<Vec<u64>, Refused> {
    const MOST: u64 = 64;
    if words > MOST {
        return Err(format!("{words} words are too many"));
    }
    let bytes = qemu::read_memory(address, 8 * words as usize);
    let bytes = bytes.ok_or("the question is in memory that is not mapped")?;
    let word = |word: &[u8]| u64::from_le_bytes(word.try_into().expect("a chunk has 8 bytes"));
    Ok(bytes.chunks_exact(8).map(word).collect())
}
