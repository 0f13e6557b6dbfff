// SPDX-License-Identifier: GPL-2.0

//! Failing allocations, one at a time.
//!
//! The kernel counts the allocations of a task down from a number that the task has been given, and
//! fails the one at which it arrives at zero (`/proc/PID/fail-nth`). What counts as one is set in
//! `/sys/kernel/debug/failslab` and `fail_page_alloc`, and so is which allocations fail if the number is
//! zero: the task is then one of those that a filter of tasks lets through (`make-it-fail`).

use crate::ffi::process::{Child, End};
use crate::{Args, Context, Result};
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What a number that was not reached is called; the scripts look for it.
const NOT_THERE: &str = "not there";

fn arm(task: &str, nth: u64) -> Result {
    fs::write(format!("/proc/{task}/fail-nth"), nth.to_string()).of("fail-nth")?;
    fs::write(format!("/proc/{task}/make-it-fail"), "1").of("make-it-fail")
}

fn disarm(task: &str) -> Result {
    fs::write(format!("/proc/{task}/make-it-fail"), "0").of("make-it-fail")?;
    fs::write(format!("/proc/{task}/fail-nth"), "0").of("fail-nth")
}

/// Whether the allocation that was to fail has been there.
fn reached(task: &str) -> Result<bool> {
    let left = fs::read_to_string(format!("/proc/{task}/fail-nth")).of("fail-nth")?;
    Ok(left.trim() == "0")
}

/// Does `work` with the allocation number `nth` failing. Tells whether there was one.
pub fn without<T>(nth: u64, work: impl FnOnce() -> T) -> Result<(T, bool)> {
    arm("thread-self", nth)?;
    let done = work();
    let reached = reached("thread-self")?;
    disarm("thread-self")?;
    Ok((done, reached))
}

/// Says how an operation went.
pub fn tell(nth: u64, reached: bool, how: &str) {
    match reached {
        true => println!("allocation {nth}: {how}"),
        false => println!("allocation {nth}: {NOT_THERE}"),
    }
}

/// Runs a command with its allocation number N failing, and ends as the command does.
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
    // The number can be read until the child is waited for.
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
