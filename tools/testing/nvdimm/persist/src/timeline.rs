// SPDX-License-Identifier: GPL-2.0

//! Writes the changes of lines to a file, which `../picture` draws.
//!
//! A line of text for each event, fields separated by tabs, numbers in hexadecimal. The second field
//! is the time: guest instructions since the beginning.
//!
//! ```text
//! begin   TIME NAME                   a scenario of that name begins
//! dirty   TIME LINE COUNT ORIGIN      COUNT lines enter the state; ORIGIN: the last store
//! pending TIME LINE COUNT ORIGIN
//! durable TIME LINE COUNT ORIGIN
//! call    TIME NAME                   a system call that changes or syncs files begins
//! return  TIME
//! check   TIME LINE COUNT OFFSET      lines that have to be durable, and their offset in the file
//! all     TIME                        all lines have to be durable
//! lost    TIME LINE                   a line that is not durable, but has to be
//! end     TIME
//! ```

use std::fmt::Arguments;
use std::fs::File;
use std::io::{BufWriter, Write};

use crate::lines::{Change, State, LINE};

/// The file, and the state of the current scenario.
#[derive(Default)]
pub struct Timeline {
    file: Option<BufWriter<File>>,
    open: bool,
    /// The return address of the current system call.
    returns_to: Option<u64>,
}

impl Timeline {
    pub fn new(file: File) -> Self {
        Self {
            file: Some(BufWriter::new(file)),
            ..Self::default()
        }
    }

    /// Whether a scenario is running.
    pub fn is_open(&self) -> bool {
        self.open
    }

    pub fn begin(&mut self, now: u64, name: &str) {
        self.open = self.file.is_some();
        self.returns_to = None;
        self.write(format_args!("begin\t{now:x}\t{name}"));
    }

    pub fn end(&mut self, now: u64) {
        self.write(format_args!("end\t{now:x}"));
        self.open = false;
        if let Some(file) = &mut self.file {
            let _ = file.flush();
        }
    }

    /// Writes changes of lines; neighbours that change in the same way become one event.
    pub fn changes(&mut self, now: u64, changes: &[Change]) {
        let together = |a: &Change, b: &Change| {
            a.number + 1 == b.number && a.state == b.state && a.origin == b.origin
        };
        for run in changes.chunk_by(together) {
            let state = match run[0].state {
                State::Dirty => "dirty",
                State::Pending => "pending",
                State::Durable => "durable",
            };
            let Change { number, origin, .. } = run[0];
            let len = run.len();
            self.write(format_args!(
                "{state}\t{now:x}\t{number:x}\t{len:x}\t{origin:x}"
            ));
        }
    }

    /// Writes the beginning of a system call; `name` is `None` for a call that is not drawn.
    pub fn call(&mut self, now: u64, name: Option<&str>, returns_to: u64) {
        if let Some(name) = name {
            self.returns_to = Some(returns_to);
            self.write(format_args!("call\t{now:x}\t{name}"));
        }
    }

    /// Writes the end of the system call if the kernel returns to its caller, not to another
    /// program.
    pub fn returned(&mut self, now: u64, to: Option<u64>) {
        if to.is_some() && to == self.returns_to {
            self.returns_to = None;
            self.write(format_args!("return\t{now:x}"));
        }
    }

    /// Writes a check of `len` bytes at the physical address, which are at that offset of a file.
    pub fn check(&mut self, now: u64, physical: u64, len: u64, offset: u64) {
        let first = physical / LINE;
        let count = (physical + len).div_ceil(LINE) - first;
        self.write(format_args!(
            "check\t{now:x}\t{first:x}\t{count:x}\t{offset:x}"
        ));
    }

    /// Writes a check of all lines.
    pub fn all(&mut self, now: u64) {
        self.write(format_args!("all\t{now:x}"));
    }

    pub fn lost(&mut self, now: u64, physical: u64) {
        self.write(format_args!("lost\t{now:x}\t{:x}", physical / LINE));
    }

    fn write(&mut self, event: Arguments<'_>) {
        let Some(file) = self.file.as_mut().filter(|_| self.open) else {
            return;
        };
        if let Err(error) = writeln!(file, "{event}") {
            eprintln!("persist: the timeline cannot be written: {error}");
            self.open = false;
        }
    }
}

/// The name of a system call of x86-64 that changes or syncs files.
pub fn call_name(number: u64) -> Option<&'static str> {
    Some(match number {
        18 => "pwrite",
        20 => "writev",
        26 => "msync",
        74 => "fsync",
        75 => "fdatasync",
        76 => "truncate",
        77 => "ftruncate",
        162 => "sync",
        285 => "fallocate",
        306 => "syncfs",
        326 => "copy_file_range",
        _ => return None,
    })
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn only_what_is_between_begin_and_end_is_written() {
        let path = std::env::temp_dir().join(format!("persist-timeline-{}", std::process::id()));
        let mut timeline = Timeline::new(File::create(&path).unwrap());
        let change = |number, state| Change {
            number,
            state,
            origin: 0xf00,
        };
        timeline.changes(1, &[change(1, State::Dirty)]);
        timeline.begin(16, "a name");
        timeline.call(17, call_name(74), 0x402);
        let run = [change(2, State::Dirty), change(3, State::Dirty)];
        timeline.changes(18, &run);
        timeline.changes(19, &[change(3, State::Pending), change(2, State::Pending)]);
        timeline.returned(19, Some(0x802));
        timeline.returned(20, Some(0x402));
        timeline.returned(21, Some(0x402));
        timeline.check(22, 2 * LINE + 1, LINE, 0x1001);
        timeline.lost(23, 3 * LINE);
        timeline.all(23);
        timeline.end(24);
        timeline.call(25, call_name(74), 0x402);
        let written = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        let expected = "begin\t10\ta name\ncall\t11\tfsync\ndirty\t12\t2\t2\tf00\n\
                        pending\t13\t3\t1\tf00\npending\t13\t2\t1\tf00\nreturn\t14\n\
                        check\t16\t2\t2\t1001\nlost\t17\t3\nall\t17\nend\t18\n";
        assert_eq!(written, expected);
    }
}
