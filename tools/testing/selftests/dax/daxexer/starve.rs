// SPDX-License-Identifier: GPL-2.0

//! Makes allocations fail, one at a time.
//!
//! A task writes a number to `/proc/PID/fail-nth`; the kernel counts it down at each allocation of
//! the task and fails the one at zero. `/sys/kernel/debug/failslab` and `fail_page_alloc` select
//! which allocations count. If the number is 0, they also select which allocations fail, and the
//! task has to pass their filter of tasks (`make-it-fail`).

use crate::ffi::process::{Child, End};
use crate::{Args, Context, Result};
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The text for a number of which there was no allocation; the scripts search for it.
const NOT_THERE: &str = "not there";

fn arm(task: &str, nth: u64) -> Result {
    fs::write(format!("/proc/{task}/fail-nth"), nth.to_string()).of("fail-nth")?;
    fs::write(format!("/proc/{task}/make-it-fail"), "1").of("make-it-fail")
}

fn disarm(task: &str) -> Result {
    fs::write(format!("/proc/{task}/make-it-fail"), "0").of("make-it-fail")?;
    fs::write(format!("/proc/{task}/fail-nth"), "0").of("fail-nth")
}

/// Whether the kernel has reached the allocation that was to fail.
fn reached(task: &str) -> Result<bool> {
    let left = fs::read_to_string(format!("/proc/{task}/fail-nth")).of("fail-nth")?;
    Ok(left.trim() == "0")
}

/// Runs `work` while allocation number `nth` fails. Returns whether there was one.
pub fn without<T>(nth: u64, work: impl FnOnce() -> T) -> Result<(T, bool)> {
    arm("thread-self", nth)?;
    let done = work();
    let reached = reached("thread-self")?;
    disarm("thread-self")?;
    Ok((done, reached))
}

/// Prints the result of an operation.
pub fn tell(nth: u64, reached: bool, how: &str) {
    match reached {
        true => println!("allocation {nth}: {how}"),
        false => println!("allocation {nth}: {NOT_THERE}"),
    }
}

/// Runs a command while its allocation number N fails, and exits with the command's status.
pub fn run(args: &Args) -> Result {
    let nth = args.word(0)?.parse().of("which allocation?")?;
    let (program, rest) = args.words_from(1).split_first().ok_or("which command?")?;
    let child = Child::new(|| {
        let failed = match arm("self", nth) {
            Ok(()) => Command::new(program).args(rest).exec().to_string(),
            Err(error) => error,
        };
        eprintln!("{program}: {failed}");
        127
    })
    .of("fork")?;
    // fail-nth can be read until the parent reaps the child.
    child.ended().of("waitid")?;
    let reached = reached(&child.id().to_string())?;
    let end = child.wait().of("waitpid")?;
    tell(nth, reached, &format!("{end:?}"));
    match end {
        End::Exit(0) => Ok(()),
        End::Exit(status) => Err(format!("{program}: status {status}")),
        End::Signal(number) => Err(format!("{program}: signal {number}")),
    }
}
