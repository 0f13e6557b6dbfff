// SPDX-License-Identifier: GPL-2.0

//! All that is known of the guest.

mod answers;

use std::collections::HashMap;
use std::io::Write;

use iced_x86::Register;

use crate::count::Windows;
use crate::images::Images;
use crate::lines::{Cpu, Finding, Lines, Store};
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
    fences_are_noticed: bool,
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
            fences_are_noticed: true,
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
        self.is_all_persistent(physical, 1)
    }

    fn is_all_persistent(&self, start: u64, len: u64) -> bool {
        let inside =
            |(from, until): &(u64, u64)| *from <= start && start < *until && len <= until - start;
        self.options.ranges.iter().any(inside)
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
        if !self.fences_are_noticed {
            return;
        }
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

    /// Writes down what became of lines, if somebody wants to see it.
    fn draw(&mut self) {
        if let Some(changes) = self.lines.changes.as_mut().filter(|c| !c.is_empty()) {
            let now = self.instructions.sum();
            self.options.timeline.changes(now, changes);
            changes.clear();
        }
    }

    /// A line of the report.
    pub fn say(&mut self, text: &str) {
        if let Err(error) = writeln!(self.options.report, "{text}") {
            eprintln!("persist: the report cannot be written: {error}");
        }
    }
}
