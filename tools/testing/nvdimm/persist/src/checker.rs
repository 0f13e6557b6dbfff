// SPDX-License-Identifier: GPL-2.0

//! All that is known of the guest, and the answers to its questions.

use std::collections::HashMap;
use std::io::Write;

use iced_x86::Register;

use crate::count::{Cost, Usual, Windows};
use crate::images::{Images, Request};
use crate::lines::{Counts, Cpu, Finding, Lines, State, Store};
use crate::marker::{Field, Question, NOT_THERE};
use crate::options::{Fences, Options};
use crate::qemu::{self, Counter, Handle};
use crate::timeline;

pub const PAGE: u64 = 4096;

/// All that the plugin knows.
pub struct Checker {
    pub id: qemu::Id,
    options: Options,
    lines: Lines,
    images: Images,
    /// Else markers alone are.
    all_is_watched: bool,
    registers: HashMap<Cpu, HashMap<String, Handle>>,
    /// The program's name for what it does.
    name: String,
    /// What it does that costs something.
    windows: Windows,
    pub instructions: Counter,
    pub interrupts: i64,
    /// Where the byte of address 0 would be in the file that the program checks.
    origin: Option<u64>,
    /// What the last check found, with its offset in what was asked about.
    lost: Vec<(u64, Finding)>,
}

impl Checker {
    pub fn new(id: qemu::Id, options: Options) -> Self {
        Self {
            id,
            images: Images::new(options.path.clone()),
            all_is_watched: options.all,
            options,
            lines: Lines::default(),
            registers: HashMap::new(),
            name: "boot".into(),
            windows: Windows::default(),
            instructions: Counter::new(),
            interrupts: 0,
            origin: None,
            lost: Vec::new(),
        }
    }

    /// There is a CPU, with these registers.
    pub fn cpu(&mut self, cpu: Cpu, registers: HashMap<String, Handle>) {
        self.registers.insert(cpu, registers);
    }

    /// Whether more than markers has to be watched.
    pub fn watches_all(&self) -> bool {
        self.all_is_watched
    }

    /// Nobody knows what happened meanwhile.
    pub fn forget(&mut self) {
        self.lines = Lines::default();
    }

    pub fn is_persistent(&self, physical: u64) -> bool {
        self.options
            .ranges
            .iter()
            .any(|(from, until)| (*from..*until).contains(&physical))
    }

    /// A store to one page.
    pub fn store(&mut self, cpu: Cpu, physical: u64, data: &[u8], how: Store, origin: u64) {
        if self.is_persistent(physical) {
            let len = data.len() as u64;
            self.lines.store(physical, len, how, cpu, origin);
            self.images.store(physical, data, how);
            self.draw();
        }
    }

    pub fn write_back(&mut self, cpu: Cpu, physical: u64) {
        if self.is_persistent(physical) {
            self.lines.write_back(physical, cpu);
            self.images.write_back(physical);
            self.draw();
        }
    }

    pub fn fence(&mut self, cpu: Cpu) {
        self.lines.fence(cpu);
        self.images.fence();
        self.draw();
    }

    /// A locked instruction.
    pub fn locked(&mut self, cpu: Cpu) {
        if self.options.fences == Fences::Smp {
            self.fence(cpu);
        }
    }

    /// A system call begins, which returns to that address.
    pub fn call(&mut self, cpu: Cpu, returns_to: u64) {
        if self.options.timeline.is_open() {
            let now = self.instructions.sum();
            let name = self.read(cpu, Register::RAX).and_then(timeline::call_name);
            self.options.timeline.call(now, name, returns_to);
        }
    }

    /// The kernel returns to a program.
    pub fn returned(&mut self, cpu: Cpu) {
        if self.options.timeline.is_open() {
            let now = self.instructions.sum();
            let to = self.read(cpu, Register::RCX);
            self.options.timeline.returned(now, to);
        }
    }

    pub fn read(&self, cpu: Cpu, name: Register) -> Option<u64> {
        let name = match name {
            Register::FS => "fs_base".into(),
            Register::GS => "gs_base".into(),
            _ => format!("{name:?}").to_lowercase(),
        };
        self.registers.get(&cpu)?.get(&name)?.read()
    }

    /// Answers the question that is in these registers.
    pub fn marker(&mut self, cpu: Cpu, question: [Register; 3]) {
        let [Some(what), Some(address), Some(len)] = question.map(|name| self.read(cpu, name))
        else {
            return;
        };
        let question = Question::new([what, address, len]);
        let answer = question.map_or(NOT_THERE, |question| self.answer(question));
        if let Some(rax) = self.registers.get(&cpu).and_then(|of| of.get("rax")) {
            rax.write(answer);
        }
    }

    fn answer(&mut self, question: Question) -> u64 {
        match question {
            Question::Check { address, len } => self.check(address, len),
            Question::Begin { address, len } => {
                let name = qemu::read_memory(address, len.min(200) as usize).unwrap_or_default();
                self.name = String::from_utf8_lossy(&name).replace(['\n', '\t'], " ");
                self.lines.counts = Counts::default();
                self.windows = Windows::default();
                self.origin = None;
                let (now, name) = (self.instructions.sum(), &self.name);
                self.options.timeline.begin(now, name);
                self.lines.changes = self.options.timeline.is_open().then(Vec::new);
                0
            }
            Question::End => {
                let (name, counts) = (self.name.clone(), self.lines.counts.columns());
                self.say(&format!("counts\t{name}\t{counts}"));
                self.say_usual();
                self.options.timeline.end(self.instructions.sum());
                self.lines.changes = None;
                0
            }
            Question::Locate { address, offset } => {
                self.origin = Some(offset.wrapping_sub(address));
                0
            }
            Question::Start => {
                self.windows.start(self.cost(), self.interrupts);
                0
            }
            Question::Stop => {
                self.windows.stop(self.cost(), self.interrupts);
                0
            }
            Question::Lost { number, field } => {
                let lost = usize::try_from(number).ok().and_then(|n| self.lost.get(n));
                lost.map_or(NOT_THERE, |(offset, finding)| match field {
                    Field::Offset => *offset,
                    Field::State => u64::from(finding.state == State::Pending),
                    Field::Origin => finding.origin,
                })
            }
            Question::Images { address, words } => {
                self.images(address, words).unwrap_or_else(|why| {
                    self.say(&format!("refused\t{why}"));
                    NOT_THERE
                })
            }
        }
    }

    fn cost(&self) -> Cost {
        Cost {
            instructions: self.instructions.sum(),
            lines: self.lines.counts,
        }
    }

    /// Writes down what became of lines, if somebody wants to see it.
    fn draw(&mut self) {
        if let Some(changes) = self.lines.changes.as_mut().filter(|c| !c.is_empty()) {
            let now = self.instructions.sum();
            self.options.timeline.changes(now, changes);
            changes.clear();
        }
    }

    /// What the operation of the windows costs, if there were any.
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

    fn images(&mut self, address: u64, words: u64) -> Result<u64, String> {
        let bytes = qemu::read_memory(address, 8 * words.clamp(1, 8) as usize);
        let bytes = bytes.ok_or("the request is in memory that is not mapped")?;
        let words = bytes
            .chunks_exact(8)
            .map(|word| u64::from_le_bytes(word.try_into().expect("a chunk has 8 bytes")));
        let request = Request::new(&words.collect::<Vec<_>>()).ok_or("there is no such request")?;
        match request {
            Request::Watch { all } => {
                self.all_is_watched = all;
                return Ok(0);
            }
            Request::Begin { .. } if !self.all_is_watched => {
                return Err("only markers are watched".into());
            }
            Request::Begin { .. } if self.registers.len() != 1 => {
                return Err("stores have no order with more than one CPU".into());
            }
            _ => {}
        }
        let (answer, said) = self.images.answer(request)?;
        if let Some(said) = said {
            self.say(&said);
        }
        Ok(answer)
    }

    /// The number of lines of a virtual range that are not durable. What is not mapped, or mapped to
    /// something else, is no answer.
    fn check(&mut self, address: u64, len: u64) -> u64 {
        self.lost.clear();
        let now = self.instructions.sum();
        let origin = self.origin.unwrap_or(address.wrapping_neg());
        let Some(end) = address.checked_add(len) else {
            return NOT_THERE;
        };
        let mut at = address;
        while at < end {
            let part = (PAGE - at % PAGE).min(end - at);
            let Some(physical) = qemu::translate(at).filter(|p| self.is_persistent(*p)) else {
                self.lost.clear();
                return NOT_THERE;
            };
            let place = at.wrapping_add(origin);
            self.options.timeline.check(now, physical, part, place);
            for finding in self.lines.check(physical, part) {
                self.options.timeline.lost(now, finding.address);
                let offset = at - address + finding.address.saturating_sub(physical);
                self.lost.push((offset, finding));
            }
            at += part;
        }
        for (offset, finding) in std::mem::take(&mut self.lost) {
            let Finding {
                address,
                state,
                origin,
            } = finding;
            let name = self.name.clone();
            self.say(&format!(
                "lost\t{name}\t{address:#x}\t{offset:#x}\t{state:?}\t{origin:#x}"
            ));
            self.lost.push((offset, finding));
        }
        self.lost.len() as u64
    }

    /// A line of the report.
    pub fn say(&mut self, text: &str) {
        if let Err(error) = writeln!(self.options.report, "{text}") {
            eprintln!("persist: the report cannot be written: {error}");
        }
    }
}
