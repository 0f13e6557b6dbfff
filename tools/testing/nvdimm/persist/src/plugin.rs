// SPDX-License-Identifier: GPL-2.0

//! What QEMU calls: instructions are looked at when they are translated, and what they do is told
//! to the lines when they are executed.

use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_uint, CStr};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock};

use iced_x86::{Instruction, Register};

use crate::count::{Cost, Usual, Windows};
use crate::images::{Images, Request};
use crate::insn::{self, Effect};
use crate::lines::{Counts, Cpu, Finding, Lines, State, Store};
use crate::marker::{Field, Question, NOT_THERE};
use crate::qemu::{self, Counter, Data, Handle};
use crate::timeline::{self, Timeline};

const PAGE: u64 = 4096;

/// Which fences count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fences {
    /// Only those that are there for it: a missing one is found.
    Strict,
    /// Locked instructions too: another CPU's journal may rely on them.
    Smp,
}

/// What the command line says.
struct Options {
    /// Physical addresses of persistent memory: first, and behind the last.
    ranges: Vec<(u64, u64)>,
    fences: Fences,
    report: File,
    timeline: Timeline,
    /// The report's path.
    path: PathBuf,
    /// At first; else only markers, until a program asks for all.
    all: bool,
}

/// All that the plugin knows.
struct Checker {
    id: qemu::Id,
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
    instructions: Counter,
    interrupts: i64,
    /// Where the byte of address 0 would be in the file that the program checks.
    origin: Option<u64>,
    /// What the last check found, with its offset in what was asked about.
    lost: Vec<(u64, Finding)>,
}

static CHECKER: OnceLock<Mutex<Checker>> = OnceLock::new();

/// The interface's version, which QEMU reads.
#[no_mangle]
pub static qemu_plugin_version: c_int = qemu::VERSION;

/// Called once, with the `name=value` pairs of the command line: `range=START+LEN` (physical, in
/// hexadecimal; any number of them), `fences=strict|smp`, `report=FILE`, `watch=all|markers`,
/// `timeline=FILE` (may be left out).
///
/// # Safety
///
/// `argv` has `argc` strings.
#[no_mangle]
pub unsafe extern "C" fn qemu_plugin_install(
    id: qemu::Id,
    _info: *const qemu::Info,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    let words = (0..argc as usize)
        // SAFETY: By the contract of this function.
        .map(|n| {
            unsafe { CStr::from_ptr(*argv.add(n)) }
                .to_string_lossy()
                .into_owned()
        });
    match Options::parse(words) {
        Ok(options) => {
            let checker = Checker {
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
            };
            if CHECKER.set(Mutex::new(checker)).is_err() {
                return -1;
            }
            qemu::register(id, on_cpu, on_translation, on_jump, on_exit);
            0
        }
        Err(why) => {
            eprintln!("persist: {why}");
            -1
        }
    }
}

impl Options {
    fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut ranges, mut fences, mut report) = (Vec::new(), Fences::Strict, None);
        let mut timeline = Timeline::default();
        let (mut path, mut all) = (PathBuf::new(), true);
        let create = |path: &str| File::create(path).map_err(|error| format!("{path}: {error}"));
        for word in words {
            match word.split_once('=') {
                Some(("range", range)) => ranges.push(parse_range(range)?),
                Some(("fences", "strict")) => fences = Fences::Strict,
                Some(("fences", "smp")) => fences = Fences::Smp,
                Some(("watch", "all")) => all = true,
                Some(("watch", "markers")) => all = false,
                Some(("report", name)) => {
                    report = Some(create(name)?);
                    path = name.into();
                }
                Some(("timeline", path)) => timeline = Timeline::new(create(path)?),
                _ => return Err(format!("unknown argument {word}")),
            }
        }
        if ranges.is_empty() {
            return Err("say where persistent memory is: range=START+LEN".into());
        }
        let report = report.ok_or("say where to write to: report=FILE")?;
        Ok(Self {
            ranges,
            fences,
            report,
            timeline,
            path,
            all,
        })
    }
}

fn parse_range(text: &str) -> Result<(u64, u64), String> {
    let number = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    let parsed = || {
        let (start, len) = text.split_once('+')?;
        let (start, len) = (number(start)?, number(len)?);
        Some((start, start.checked_add(len)?))
    };
    parsed().ok_or(format!("{text} is no range: START+LEN, hexadecimal"))
}

/// The checker. QEMU calls nothing before it is installed; a panic ends the emulator.
fn checker() -> MutexGuard<'static, Checker> {
    CHECKER
        .get()
        .expect("the plugin is installed")
        .lock()
        .expect("no callback has panicked")
}

extern "C" fn on_cpu(cpu: c_uint, _: Data) {
    checker()
        .registers
        .insert(cpu, qemu::registers().into_iter().collect());
}

extern "C" fn on_translation(block: *mut qemu::Block, _: Data) {
    let (all, instructions) = {
        let checker = checker();
        (checker.all_is_watched, checker.instructions)
    };
    // SAFETY: This is the callback.
    for insn in unsafe { qemu::Translation::new(block) }.insns() {
        if all {
            insn.count(instructions);
        }
        let (bytes, len) = insn.bytes();
        let address = insn.address();
        let decoded = insn::decode(&bytes[..len], address);
        let none = std::ptr::null_mut();
        match insn::effect(&decoded) {
            Effect::Marker => insn.on_execution(on_marker, qemu::WRITE_REGS, none),
            _ if !all => {}
            Effect::Stores(Store::Streaming) => insn.on_store(on_streaming_store, address as Data),
            Effect::Stores(Store::Cached) => insn.on_store(on_store, address as Data),
            Effect::Locks => {
                insn.on_execution(on_locked, qemu::NO_REGS, none);
                insn.on_store(on_store, address as Data);
            }
            Effect::Fences => insn.on_execution(on_fence, qemu::NO_REGS, none),
            // Blocks are translated again and again, but write-backs are in few places.
            Effect::WritesBack => {
                let site: &'static Instruction = Box::leak(Box::new(decoded));
                let site = std::ptr::from_ref(site).cast_mut().cast();
                insn.on_execution(on_write_back, qemu::READ_REGS, site);
            }
            Effect::Calls => {
                let next = (address + len as u64) as Data;
                insn.on_execution(on_call, qemu::READ_REGS, next);
            }
            Effect::Returns => insn.on_execution(on_return, qemu::READ_REGS, none),
        }
    }
}

extern "C" fn on_store(cpu: c_uint, access: qemu::Access, address: u64, origin: Data) {
    stored(cpu, access, address, origin as u64, Store::Cached);
}

extern "C" fn on_streaming_store(cpu: c_uint, access: qemu::Access, address: u64, origin: Data) {
    stored(cpu, access, address, origin as u64, Store::Streaming);
}

fn stored(cpu: Cpu, access: qemu::Access, address: u64, origin: u64, how: Store) {
    let Some((physical, len)) = qemu::physical(access, address) else {
        return;
    };
    let mut checker = checker();
    if !checker.is_persistent(physical) {
        return;
    }
    let data = qemu::stored(access);
    let data = &data[..data.len().min(len as usize)];
    // the rest of one that crosses pages can be anywhere
    let (first, rest) = data.split_at(data.len().min((PAGE - physical % PAGE) as usize));
    checker.store(cpu, physical, first, how, origin);
    if let (false, Some(next)) = (
        rest.is_empty(),
        qemu::translate(address + first.len() as u64),
    ) {
        checker.store(cpu, next, rest, how, origin);
    }
}

extern "C" fn on_write_back(cpu: c_uint, site: Data) {
    // SAFETY: `on_translation()` passed an instruction that lives for ever.
    let insn = unsafe { &*site.cast::<Instruction>() };
    let mut checker = checker();
    let address = insn::address(insn, |name| checker.read(cpu, name));
    if let Some(physical) = address.and_then(qemu::translate) {
        if checker.is_persistent(physical) {
            checker.lines.write_back(physical, cpu);
            checker.images.write_back(physical);
            checker.draw();
        }
    }
}

extern "C" fn on_fence(cpu: c_uint, _: Data) {
    checker().fence(cpu);
}

extern "C" fn on_locked(cpu: c_uint, _: Data) {
    let mut checker = checker();
    if checker.options.fences == Fences::Smp {
        checker.fence(cpu);
    }
}

extern "C" fn on_call(cpu: c_uint, next: Data) {
    let mut checker = checker();
    if checker.options.timeline.is_open() {
        let now = checker.instructions.sum();
        let name = checker
            .read(cpu, Register::RAX)
            .and_then(timeline::call_name);
        checker.options.timeline.call(now, name, next as u64);
    }
}

extern "C" fn on_return(cpu: c_uint, _: Data) {
    let mut checker = checker();
    if checker.options.timeline.is_open() {
        let now = checker.instructions.sum();
        let to = checker.read(cpu, Register::RCX);
        checker.options.timeline.returned(now, to);
    }
}

extern "C" fn on_marker(cpu: c_uint, _: Data) {
    let mut checker = checker();
    let [what, address, len] =
        [Register::RDI, Register::RSI, Register::RDX].map(|name| checker.read(cpu, name));
    let (Some(what), Some(address), Some(len)) = (what, address, len) else {
        return;
    };
    let answer =
        Question::new([what, address, len]).map_or(NOT_THERE, |question| checker.answer(question));
    if let Some(rax) = checker.registers.get(&cpu).and_then(|of| of.get("rax")) {
        rax.write(answer);
    }
}

extern "C" fn on_jump(_: c_uint, kind: c_int, _: u64, _: u64, _: Data) {
    let mut checker = checker();
    // QEMU reports an exception of x86 as one and then as an interrupt too.
    match kind {
        qemu::EXCEPTION => checker.interrupts -= 1,
        _ => checker.interrupts += 1,
    }
}

/// What was registered is forgotten: other instructions are looked at from now on.
extern "C" fn on_reset(_: Data) {
    let mut checker = checker();
    checker.all_is_watched = !checker.all_is_watched;
    // nobody knows what happened meanwhile
    checker.lines = Lines::default();
    qemu::register(checker.id, on_cpu, on_translation, on_jump, on_exit);
}

extern "C" fn on_exit(_: Data) {
    let mut checker = checker();
    checker.say("exit");
}

impl Checker {
    fn is_persistent(&self, physical: u64) -> bool {
        self.options
            .ranges
            .iter()
            .any(|(from, until)| (*from..*until).contains(&physical))
    }

    /// A store to one page.
    fn store(&mut self, cpu: Cpu, physical: u64, data: &[u8], how: Store, origin: u64) {
        if self.is_persistent(physical) {
            let len = data.len() as u64;
            self.lines.store(physical, len, how, cpu, origin);
            self.images.store(physical, data, how);
            self.draw();
        }
    }

    fn fence(&mut self, cpu: Cpu) {
        self.lines.fence(cpu);
        self.images.fence();
        self.draw();
    }

    fn read(&self, cpu: Cpu, name: Register) -> Option<u64> {
        let name = match name {
            Register::FS => "fs_base".into(),
            Register::GS => "gs_base".into(),
            _ => format!("{name:?}").to_lowercase(),
        };
        self.registers.get(&cpu)?.get(&name)?.read()
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
                if all != self.all_is_watched {
                    qemu::reset(self.id, on_reset);
                }
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
    fn say(&mut self, text: &str) {
        if let Err(error) = writeln!(self.options.report, "{text}") {
            eprintln!("persist: the report cannot be written: {error}");
        }
    }
}
