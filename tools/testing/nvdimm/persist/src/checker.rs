// SPDX-License-Identifier: GPL-2.0

//! The state of the checker, and the events that change it.

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

/// The checker. A mutex protects it, as QEMU calls back in several threads.
pub struct Checker {
    pub id: qemu::Id,
    options: Options,
    lines: Lines,
    images: Images,
    /// False: the plugin watches only markers.
    all_is_watched: bool,
    fences_are_noticed: bool,
    registers: HashMap<Cpu, HashMap<String, Handle>>,
    /// The name that the guest's program gave the current scenario.
    name: String,
    /// The windows that the program has measured in this scenario.
    windows: Windows,
    pub instructions: Counter,
    pub interrupts: i64,
    /// The file offset of virtual address 0, modulo 2^64, in the program's mapping of the file.
    origin: Option<u64>,
    /// The findings of the last check, each with its offset from the checked address.
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

    /// Adds a CPU with these registers.
    pub fn cpu(&mut self, cpu: Cpu, registers: HashMap<String, Handle>) {
        self.registers.insert(cpu, registers);
    }

    /// Whether the plugin watches stores and fences too, not only markers.
    pub fn watches_all(&self) -> bool {
        self.all_is_watched
    }

    /// Whether the plugin counts instructions.
    pub fn counts(&self) -> bool {
        !self.options.turns
    }

    /// Forgets the state of all lines, because the plugin has missed events.
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

    /// Records a store within one page.
    pub fn store(&mut self, cpu: Cpu, physical: u64, data: &[u8], how: Store, origin: u64) {
        if self.is_persistent(physical) {
            let len = data.len() as u64;
            self.lines.store(physical, len, how, cpu, origin);
            self.images.store(cpu, physical, data, how);
            self.draw();
        }
    }

    pub fn write_back(&mut self, cpu: Cpu, physical: u64) {
        if self.is_persistent(physical) {
            self.lines.write_back(physical, cpu);
            self.images.write_back(cpu, physical);
            self.draw();
        }
    }

    pub fn fence(&mut self, cpu: Cpu) {
        if !self.fences_are_noticed {
            return;
        }
        self.lines.fence(cpu);
        self.images.fence(cpu);
        self.draw();
    }

    /// Records a locked instruction, which is a fence for [`Fences::Smp`].
    pub fn locked(&mut self, cpu: Cpu) {
        if self.options.fences == Fences::Smp && self.fences_are_noticed {
            self.lines.fence(cpu);
            self.images.locked(cpu);
            self.draw();
        }
    }

    /// Records the beginning of a system call that returns to that address.
    pub fn call(&mut self, cpu: Cpu, returns_to: u64) {
        if self.options.timeline.is_open() {
            let now = self.instructions.sum();
            let name = self.read(cpu, Register::RAX).and_then(timeline::call_name);
            self.options.timeline.call(now, name, returns_to);
        }
    }

    /// Records that the kernel returns to a program.
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

    /// Writes the changes of lines to the timeline, if there is one.
    fn draw(&mut self) {
        if let Some(changes) = self.lines.changes.as_mut().filter(|c| !c.is_empty()) {
            let now = self.instructions.sum();
            self.options.timeline.changes(now, changes);
            changes.clear();
        }
    }

    /// Writes a line to the report.
    pub fn say(&mut self, text: &str) {
        if let Err(error) = writeln!(self.options.report, "{text}") {
            eprintln!("persist: the report cannot be written: {error}");
        }
    }
}
