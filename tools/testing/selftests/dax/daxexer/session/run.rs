// SPDX-License-Identifier: GPL-2.0

//! Runs a step, in this thread, in another thread or in a child, and checks how it ends.

use super::{understand, Names, Words};
use crate::ffi::process::{self, Child, End};
use crate::probe::errno_name;
use crate::starve;
use std::fmt;
use std::process::Command;
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::time::Duration;

/// The reason why a step failed.
pub enum Failure {
    /// The error of a system call, which `fails` can expect.
    Errno(std::io::Error),
    /// A transfer ended early: the number of bytes done, and the number asked for.
    Short(usize, usize),
    Wrong(String),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Errno(error)
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Wrong(text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Errno(error) => f.write_str(&errno_name(error)),
            Self::Short(done, len) => write!(f, "{done} of {len} bytes"),
            Self::Wrong(text) => f.write_str(text),
        }
    }
}

pub type Outcome = Result<(), Failure>;
pub type Step = Box<dyn FnOnce() -> Outcome + Send>;

/// A step that runs in a thread; its outcome comes through the channel.
pub struct Begun(Receiver<Outcome>);

/// A step that has not ended after this time counts as waiting.
const WAITS: Duration = Duration::from_millis(200);
/// A step that has not ended after this time counts as hanging.
const PATIENCE: Duration = Duration::from_secs(10);

const SIGBUS: i32 = 7;
const SIGKILL: i32 = 9;
const SIGUSR1: i32 = 10;
const SIGSEGV: i32 = 11;

fn wrong<T>(text: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Wrong(text.into()))
}

/// Runs `step` in a child and returns how it ended. The child calls `before` first; the parent
/// calls `during` while the child runs.
fn child(
    step: Step,
    before: impl FnOnce() -> std::io::Result<()>,
    during: impl FnOnce(&Child) -> std::io::Result<()>,
) -> Result<End, Failure> {
    let child = Child::new(
        || match before().map_err(Failure::from).and_then(|()| step()) {
            Ok(()) => 0,
            Err(error) => {
                eprintln!("in the child: {error}");
                1
            }
        },
    )?;
    during(&child)?;
    Ok(child.wait()?)
}

fn ends(end: Result<End, Failure>, want: End) -> Outcome {
    match end? {
        end if end == want => Ok(()),
        end => wrong(format!("{end:?} instead of {want:?}")),
    }
}

fn faults(step: Step, major: bool) -> Outcome {
    let before = process::major_faults()?;
    step()?;
    match process::major_faults()? - before {
        0 if major => wrong("no major fault"),
        n if n != 0 && !major => wrong(format!("{n} major faults")),
        _ => Ok(()),
    }
}

/// Checks the end of a child that got a signal: with a handler it exits, without one the signal
/// ends it.
fn ends_as(end: Result<End, Failure>, handles: bool) -> Outcome {
    let want = match handles {
        true => End::Exit(0),
        false => End::Signal(SIGKILL),
    };
    ends(end, want)
}

/// Runs `step` in a child and sends it a signal, for which it has a handler if `handles`.
fn interrupted(step: Step, handles: bool, after: Duration) -> Result<End, Failure> {
    let signal = if handles { SIGUSR1 } else { SIGKILL };
    let before = move || match handles {
        true => process::handle(SIGUSR1),
        false => Ok(()),
    };
    let during = |child: &Child| {
        std::thread::sleep(after);
        child.kill(signal)
    };
    child(step, before, during)
}

/// Runs `step`, which has to fail with one of the errors of these names.
fn fails(names: &str, step: Result<Step, Failure>) -> Outcome {
    let named = |error| names.split('|').any(|name| errno_name(error) == name);
    match step.and_then(|step| step()) {
        Err(Failure::Errno(error)) if named(&error) => Ok(()),
        Err(error) => wrong(format!("{error} instead of {names}")),
        Ok(()) => wrong(format!("succeeds instead of {names}")),
    }
}

/// Runs `step` while its allocation number `nth` fails. If it has so many, it may end early or with
/// one of the errors of these names.
fn starved(nth: u64, names: &str, step: Step) -> Outcome {
    let named = |error| names.split('|').any(|name| errno_name(error) == name);
    let (done, reached) = starve::without(nth, step)?;
    let how = match &done {
        Ok(()) => "done".into(),
        Err(error) => error.to_string(),
    };
    starve::tell(nth, reached, &how);
    match done {
        Err(Failure::Errno(error)) if reached && named(&error) => Ok(()),
        Err(Failure::Short(..)) if reached => Ok(()),
        done => done,
    }
}

fn start(names: &mut Names, words: &mut Words<'_>) -> Outcome {
    let name = words.word("a thread")?;
    let step = understand(names, words.clone())?;
    let (ended, end) = channel();
    std::thread::spawn(move || ended.send(step()));
    match names.threads.insert(name.into(), Begun(end)) {
        None => Ok(()),
        Some(_) => wrong(format!("there is a thread {name}")),
    }
}

fn waiting(names: &Names, name: &str) -> Outcome {
    let begun = names.threads.get(name).ok_or(format!("no thread {name}"))?;
    match begun.0.recv_timeout(WAITS) {
        Err(RecvTimeoutError::Timeout) => Ok(()),
        Ok(Err(error)) => wrong(format!("it has failed: {error}")),
        _ => wrong("it did not wait"),
    }
}

fn finish(names: &mut Names, name: &str) -> Outcome {
    let begun = names
        .threads
        .remove(name)
        .ok_or(format!("no thread {name}"))?;
    match begun.0.recv_timeout(PATIENCE) {
        Ok(outcome) => outcome,
        Err(_) => wrong("it does not end"),
    }
}

fn shell(command: &str) -> Outcome {
    match Command::new("sh").args(["-ec", command]).status()? {
        status if status.success() => Ok(()),
        status => wrong(format!("{status}")),
    }
}

pub fn step(names: &mut Names, verb: &str, mut words: Words<'_>) -> Result<Option<Step>, Failure> {
    let unit: Step = Box::new(|| Ok(()));
    Ok(Some(match verb {
        "fails" => {
            let errors = words.word("an error")?.to_string();
            let step = understand(names, words);
            Box::new(move || fails(&errors, step))
        }
        "nth" => {
            let nth = words.size("a number")?;
            let errors = words.word("an error")?.to_string();
            let step = understand(names, words)?;
            Box::new(move || starved(nth, &errors, step))
        }
        "child" => {
            let step = understand(names, words)?;
            Box::new(|| ends(child(step, || Ok(()), |_| Ok(())), End::Exit(0)))
        }
        "dies" => {
            let signal = match words.word("a signal")? {
                "bus" => SIGBUS,
                "segv" => SIGSEGV,
                name => return wrong(format!("{name}: bus or segv")),
            };
            let step = understand(names, words)?;
            let before = move || process::die_of(signal);
            Box::new(move || ends(child(step, before, |_| Ok(())), End::Signal(signal)))
        }
        "broken" => {
            let map = names.map(&mut words)?;
            let off = words.size("an offset")? as usize;
            let step = understand(names, words)?;
            let before = move || process::judge_sigbus(map.at(off, 1) as usize);
            Box::new(|| {
                let want = End::Exit(process::BROKEN_THERE);
                ends(child(step, before, |_| Ok(())), want)
            })
        }
        "killed" | "signalled" => {
            let after = Duration::from_millis(words.size("a time")?);
            let (step, handles) = (understand(names, words)?, verb == "signalled");
            Box::new(move || ends_as(interrupted(step, handles, after), handles))
        }
        // like "killed", but the step may end before the signal
        "killing" => {
            let after = Duration::from_millis(words.size("a time")?);
            let step = understand(names, words)?;
            Box::new(move || match interrupted(step, false, after)? {
                End::Exit(0) | End::Signal(SIGKILL) => Ok(()),
                end => wrong(format!("{end:?}")),
            })
        }
        "major" | "minor" => {
            let (step, major) = (understand(names, words)?, verb == "major");
            Box::new(move || faults(step, major))
        }
        "start" => {
            start(names, &mut words)?;
            unit
        }
        "waiting" => {
            waiting(names, words.word("a thread")?)?;
            unit
        }
        "finish" => {
            finish(names, words.word("a thread")?)?;
            unit
        }
        "sleep" => {
            let time = Duration::from_millis(words.size("a time")?);
            Box::new(move || {
                std::thread::sleep(time);
                Ok(())
            })
        }
        "shell" => {
            let command = words.rest().join(" ");
            Box::new(move || shell(&command))
        }
        _ => return Ok(None),
    }))
}
