// SPDX-License-Identifier: GPL-2.0

//! The functions that QEMU calls. They decode instructions when QEMU translates them, and pass
//! their effects to the checker when the guest executes them.

use std::ffi::{c_char, c_int, c_uint, CStr};
use std::sync::{Mutex, MutexGuard, OnceLock};

use iced_x86::{Instruction, Register};

use crate::checker::{Checker, PAGE};
use crate::insn::{self, Effect};
use crate::lines::{Cpu, Store};
use crate::options::Options;
use crate::qemu::{self, Data};

static CHECKER: OnceLock<Mutex<Checker>> = OnceLock::new();

/// The interface's version, which QEMU reads.
#[no_mangle]
pub static qemu_plugin_version: c_int = qemu::VERSION;

/// Called once, with the `name=value` pairs of the command line, which [`Options`] describes.
///
/// # Safety
///
/// `argv` points to `argc` valid, NUL-terminated strings, for the duration of the call.
#[no_mangle]
pub unsafe extern "C" fn qemu_plugin_install(
    id: qemu::Id,
    _info: *const qemu::Info,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    let words = (0..argc as usize)
        // SAFETY: `n` is below `argc`, so by the contract of this function `argv[n]` is a valid
        // string.
        .map(|n| {
            unsafe { CStr::from_ptr(*argv.add(n)) }
                .to_string_lossy()
                .into_owned()
        });
    match Options::parse(words) {
        Ok(options) => {
            if CHECKER.set(Mutex::new(Checker::new(id, options))).is_err() {
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

/// The checker. QEMU calls no callback before the plugin is installed; a panic ends the emulator.
fn checker() -> MutexGuard<'static, Checker> {
    CHECKER
        .get()
        .expect("the plugin is installed")
        .lock()
        .expect("no callback has panicked")
}

extern "C" fn on_cpu(cpu: c_uint, _: Data) {
    checker().cpu(cpu, qemu::registers().into_iter().collect());
}

extern "C" fn on_translation(block: *mut qemu::Block, _: Data) {
    let (all, counter) = {
        let checker = checker();
        let counter = checker.counts().then_some(checker.instructions);
        (checker.watches_all(), counter)
    };
    // SAFETY: QEMU has called this [`qemu::BlockCallback`] with `block`, and the iterator ends
    // before this call.
    for insn in unsafe { qemu::Translation::new(block) }.insns() {
        if let (true, Some(counter)) = (all, counter) {
            insn.count(counter);
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
            // QEMU translates blocks repeatedly, but few instructions are write-backs.
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
    // the second page of a store that crosses pages has another physical address
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
    // SAFETY: `site` is the leaked `Instruction` that `on_translation()` registered, and nothing
    // changes it.
    let insn = unsafe { &*site.cast::<Instruction>() };
    let mut checker = checker();
    let address = insn::address(insn, |name| checker.read(cpu, name));
    if let Some(physical) = address.and_then(qemu::translate) {
        checker.write_back(cpu, physical);
    }
}

extern "C" fn on_fence(cpu: c_uint, _: Data) {
    checker().fence(cpu);
}

extern "C" fn on_locked(cpu: c_uint, _: Data) {
    checker().locked(cpu);
}

extern "C" fn on_call(cpu: c_uint, next: Data) {
    checker().call(cpu, next as u64);
}

extern "C" fn on_return(cpu: c_uint, _: Data) {
    checker().returned(cpu);
}

extern "C" fn on_marker(cpu: c_uint, _: Data) {
    let mut checker = checker();
    let all = checker.watches_all();
    checker.marker(cpu, [Register::RDI, Register::RSI, Register::RDX]);
    if checker.watches_all() != all {
        qemu::reset(checker.id, on_reset);
    }
}

extern "C" fn on_jump(_: c_uint, kind: c_int, _: u64, _: u64, _: Data) {
    // QEMU reports an x86 exception as an exception and then as an interrupt.
    checker().interrupts += match kind {
        qemu::EXCEPTION => -1,
        _ => 1,
    };
}

/// QEMU has dropped all callbacks: register them again for the kinds of instructions to watch now.
extern "C" fn on_reset(_: Data) {
    let mut checker = checker();
    checker.forget();
    qemu::register(checker.id, on_cpu, on_translation, on_jump, on_exit);
}

extern "C" fn on_exit(_: Data) {
    checker().say("exit");
}
