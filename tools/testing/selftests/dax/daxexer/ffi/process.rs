// SPDX-License-Identifier: GPL-2.0

//! Child processes, signals, and the kernel's statistics of a process.

use super::{count, status, PAGE, SIGBUS};
use std::io;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

const SA_SIGINFO: i32 = 4;
const BUS_MCEERR_AR: i32 = 4;
const RUSAGE_SELF: i32 = 0;
const P_PID: i32 = 1;
const WEXITED: i32 = 4;
const WNOWAIT: i32 = 0x0100_0000;

/// Exit status of a child that got SIGBUS for failed memory in the expected page.
pub const BROKEN_THERE: i32 = 90;
/// Exit status for failed memory in another page.
pub const BROKEN_ELSEWHERE: i32 = 91;
/// Exit status for a SIGBUS with another cause.
pub const NOT_BROKEN: i32 = 92;

#[repr(C)]
struct SigAction {
    handler: usize,
    mask: [u64; 16],
    flags: i32,
    restorer: usize,
}

extern "C" {
    fn fork() -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    fn waitid(which: i32, pid: i32, info: *mut u64, options: i32) -> i32;
    fn kill(pid: i32, signal: i32) -> i32;
    fn _exit(status: i32) -> !;
    fn sigaction(signal: i32, new: *const SigAction, old: *mut SigAction) -> i32;
    fn getrusage(who: i32, usage: *mut i64) -> i32;
}

/// How a child ended.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum End {
    Exit(i32),
    Signal(i32),
}

/// A process that was forked from this one.
pub struct Child(i32);

impl Child {
    /// Forks; the child runs `work` and exits with the value that it returns.
    ///
    /// No other thread may run: locks that it holds would stay locked in the child.
    pub fn new(work: impl FnOnce() -> i32) -> io::Result<Self> {
        io::stdout().flush()?;
        // SAFETY: By the caller's promise no other thread runs, so no lock is held by a thread that
        // does not exist in the child.
        match unsafe { fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                let status = work();
                let _ = io::stdout().flush();
                // SAFETY: `_exit` has no precondition.
                unsafe { _exit(status) }
            }
            pid => Ok(Self(pid)),
        }
    }

    /// Sends a signal to the child.
    pub fn kill(&self, signal: i32) -> io::Result<()> {
        // SAFETY: The call takes no pointers. The child is not reaped before `wait` consumes
        // `self`, so the number is still its own.
        status(unsafe { kill(self.0, signal) })
    }

    pub fn id(&self) -> i32 {
        self.0
    }

    /// Waits until the child has ended, and does not reap it.
    pub fn ended(&self) -> io::Result<()> {
        let mut info = [0; 16];
        // SAFETY: `info` has the size of a siginfo_t, 128 bytes.
        status(unsafe { waitid(P_PID, self.0, info.as_mut_ptr(), WEXITED | WNOWAIT) })
    }

    pub fn wait(self) -> io::Result<End> {
        let mut how = 0;
        // SAFETY: `how` is an int for the status.
        count(unsafe { waitpid(self.0, &mut how, 0) } as isize)?;
        Ok(match how & 0x7f {
            0 => End::Exit((how >> 8) & 0xff),
            signal => End::Signal(signal),
        })
    }
}

/// A signal handler, called with the signal's number, a siginfo_t and a ucontext_t.
pub type Handler = extern "C" fn(i32, *const i32, *mut usize);

/// Installs a handler for the signal, with these flags (`SA_...`); `None` is the default action.
///
/// # Safety
///
/// The handler is async-signal-safe.
pub unsafe fn act(signal: i32, handler: Option<Handler>, flags: i32) -> io::Result<()> {
    let action = SigAction {
        handler: handler.map_or(0, |handler| handler as usize),
        mask: [0; 16],
        flags: flags | SA_SIGINFO,
        restorer: 0,
    };
    // SAFETY:
    // - `action` has the layout of struct sigaction.
    // - A [`Handler`] has the signature that SA_SIGINFO requires.
    // - The caller promises that the handler is async-signal-safe.
    status(unsafe { sigaction(signal, &action, std::ptr::null_mut()) })
}

static EXPECTED: AtomicUsize = AtomicUsize::new(0);

/// Exits with a status for the cause of the SIGBUS.
extern "C" fn on_sigbus(_signal: i32, info: *const i32, _context: *mut usize) {
    // SAFETY: The kernel passes a siginfo_t, of which si_code is the third int and si_addr the
    // third word.
    let (code, addr) = unsafe { (*info.add(2), *info.cast::<usize>().add(2)) };
    let status = match code {
        BUS_MCEERR_AR if addr / PAGE == EXPECTED.load(Ordering::Relaxed) / PAGE => BROKEN_THERE,
        BUS_MCEERR_AR => BROKEN_ELSEWHERE,
        _ => NOT_BROKEN,
    };
    // SAFETY: `_exit` has no precondition, and is async-signal-safe.
    unsafe { _exit(status) }
}

/// Makes SIGBUS end the program with [`BROKEN_THERE`] if the cause is failed memory in the page of
/// `addr`, and with one of the other two statuses if not.
pub fn judge_sigbus(addr: usize) -> io::Result<()> {
    EXPECTED.store(addr, Ordering::Relaxed);
    // SAFETY: The handler reads an atomic and calls `_exit`, so it is async-signal-safe.
    unsafe { act(SIGBUS, Some(on_sigbus), 0) }
}

extern "C" fn on_signal(_signal: i32, _info: *const i32, _context: *mut usize) {}

/// Makes the signal interrupt system calls and do nothing else.
pub fn handle(signal: i32) -> io::Result<()> {
    // SAFETY: The handler does nothing, so it is async-signal-safe.
    unsafe { act(signal, Some(on_signal), 0) }
}

/// Makes the signal end the program at once; `std` would print a message for SIGSEGV.
pub fn die_of(signal: i32) -> io::Result<()> {
    // SAFETY: There is no handler, so no code of this program runs on the signal.
    unsafe { act(signal, None, 0) }
}

/// The number of major page faults of this process.
pub fn major_faults() -> io::Result<i64> {
    // Two struct timeval, then fourteen longs, the sixth of which is ru_majflt.
    let mut usage = [0; 18];
    // SAFETY: `usage` has the size of a struct rusage.
    status(unsafe { getrusage(RUSAGE_SELF, usage.as_mut_ptr()) })?;
    Ok(usage[9])
}
