// SPDX-License-Identifier: GPL-2.0

//! The part of version 7 of QEMU's plugin interface that is used here, with safe wrappers.
//!
//! C header: `include/plugins/qemu-plugin.h` of QEMU 11; GLib's `GArray` and `GByteArray`.

use std::ffi::{c_char, c_int, c_uint, c_void, CStr};

pub const VERSION: c_int = 7;

/// Which registers a callback touches.
pub const NO_REGS: c_int = 0;
pub const READ_REGS: c_int = 1;
pub const WRITE_REGS: c_int = 2;
const MEMORY_WRITE: c_int = 2;
/// Kinds of jumps that no instruction asks for.
pub const INTERRUPT: c_int = 1;
pub const EXCEPTION: c_int = 2;
const ADD: c_int = 0;

/// Identifies the plugin.
pub type Id = u64;
/// What a memory callback is told of an access.
pub type Access = u32;
/// A value of the plugin's that its callback gets back.
pub type Data = *mut c_void;

#[repr(C)]
pub struct Info {
    _opaque: [u8; 0],
}
#[repr(C)]
pub struct Block {
    _opaque: [u8; 0],
}
#[repr(C)]
pub struct Insn {
    _opaque: [u8; 0],
}
#[repr(C)]
struct HwAddr {
    _opaque: [u8; 0],
}
#[repr(C)]
struct Array {
    data: *mut c_char,
    len: c_uint,
}
#[repr(C)]
struct ByteArray {
    data: *mut u8,
    len: c_uint,
}
/// A value that was stored; `low` and `high` begin with its bytes.
#[repr(C)]
struct Value {
    kind: c_int,
    low: u64,
    high: u64,
}
#[repr(C)]
struct Descriptor {
    handle: *mut c_void,
    name: *const c_char,
    feature: *const c_char,
    is_readonly: bool,
}

#[repr(C)]
struct Scoreboard {
    _opaque: [u8; 0],
}

/// A number for each CPU, which instructions add to.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Counter {
    scoreboard: *mut Scoreboard,
    offset: usize,
}

// SAFETY: QEMU adds up what its CPUs count under locks of its own.
unsafe impl Send for Counter {}

pub type BlockCallback = extern "C" fn(*mut Block, Data);
pub type CpuCallback = extern "C" fn(c_uint, Data);
pub type MemoryCallback = extern "C" fn(c_uint, Access, u64, Data);
pub type JumpCallback = extern "C" fn(c_uint, c_int, u64, u64, Data);
pub type ExitCallback = extern "C" fn(Data);

extern "C" {
    fn qemu_plugin_register_vcpu_init_cb(id: Id, callback: CpuCallback, data: Data);
    fn qemu_plugin_register_vcpu_tb_trans_cb(id: Id, callback: BlockCallback, data: Data);
    fn qemu_plugin_register_vcpu_discon_cb(id: Id, kind: c_int, callback: JumpCallback, data: Data);
    fn qemu_plugin_register_atexit_cb(id: Id, callback: ExitCallback, data: Data);
    fn qemu_plugin_register_vcpu_insn_exec_cb(
        insn: *mut Insn,
        callback: CpuCallback,
        flags: c_int,
        data: Data,
    );
    fn qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
        insn: *mut Insn,
        operation: c_int,
        counter: Counter,
        operand: u64,
    );
    fn qemu_plugin_register_vcpu_mem_cb(
        insn: *mut Insn,
        callback: MemoryCallback,
        flags: c_int,
        which: c_int,
        data: Data,
    );
    fn qemu_plugin_reset(id: Id, callback: ExitCallback, data: Data);
    fn qemu_plugin_tb_n_insns(block: *const Block) -> usize;
    fn qemu_plugin_tb_get_insn(block: *const Block, index: usize) -> *mut Insn;
    fn qemu_plugin_insn_data(insn: *const Insn, to: *mut c_void, len: usize) -> usize;
    fn qemu_plugin_insn_vaddr(insn: *const Insn) -> u64;
    fn qemu_plugin_mem_size_shift(access: Access) -> c_uint;
    fn qemu_plugin_mem_get_value(access: Access) -> Value;
    fn qemu_plugin_get_hwaddr(access: Access, address: u64) -> *mut HwAddr;
    fn qemu_plugin_hwaddr_is_io(address: *const HwAddr) -> bool;
    fn qemu_plugin_hwaddr_phys_addr(address: *const HwAddr) -> u64;
    fn qemu_plugin_translate_vaddr(address: u64, to: *mut u64) -> bool;
    fn qemu_plugin_read_memory_vaddr(address: u64, to: *mut ByteArray, len: usize) -> bool;
    fn qemu_plugin_read_memory_hwaddr(address: u64, to: *mut ByteArray, len: usize) -> c_int;
    fn qemu_plugin_write_memory_hwaddr(address: u64, from: *mut ByteArray) -> c_int;
    fn qemu_plugin_get_registers() -> *mut Array;
    fn qemu_plugin_read_register(handle: *mut c_void, to: *mut ByteArray) -> bool;
    fn qemu_plugin_write_register(handle: *mut c_void, from: *mut ByteArray) -> bool;

    fn qemu_plugin_scoreboard_new(size: usize) -> *mut Scoreboard;
    fn qemu_plugin_u64_sum(counter: Counter) -> u64;

    fn g_array_free(array: *mut Array, free_segment: c_int) -> *mut c_char;
    fn g_byte_array_new() -> *mut ByteArray;
    fn g_byte_array_free(array: *mut ByteArray, free_segment: c_int) -> *mut u8;
    fn g_byte_array_append(array: *mut ByteArray, data: *const u8, len: c_uint) -> *mut ByteArray;
}

/// Registers the plugin's callbacks; `id` is what QEMU gave at installation.
pub fn register(
    id: Id,
    cpu: CpuCallback,
    block: BlockCallback,
    jump: JumpCallback,
    exit: ExitCallback,
) {
    let none = std::ptr::null_mut();
    // SAFETY: QEMU keeps the functions, which live as long as the plugin is loaded.
    unsafe {
        qemu_plugin_register_vcpu_init_cb(id, cpu, none);
        qemu_plugin_register_vcpu_tb_trans_cb(id, block, none);
        qemu_plugin_register_vcpu_discon_cb(id, INTERRUPT | EXCEPTION, jump, none);
        qemu_plugin_register_atexit_cb(id, exit, none);
    }
}

impl Counter {
    /// Counters stay for as long as QEMU runs.
    pub fn new() -> Self {
        // SAFETY: No precondition.
        let scoreboard = unsafe { qemu_plugin_scoreboard_new(size_of::<u64>()) };
        Self {
            scoreboard,
            offset: 0,
        }
    }

    /// What all CPUs have counted.
    pub fn sum(self) -> u64 {
        // SAFETY: The scoreboard is never freed.
        unsafe { qemu_plugin_u64_sum(self) }
    }
}

/// Forgets all callbacks and what was translated with them; then `callback` is called, which
/// registers again.
pub fn reset(id: Id, callback: ExitCallback) {
    // SAFETY: A callback of a CPU is running; the function lives as long as the plugin.
    unsafe { qemu_plugin_reset(id, callback, std::ptr::null_mut()) };
}

/// A block of instructions that is being translated, for the time of the callback.
#[derive(Clone, Copy)]
pub struct Translation(*mut Block);

impl Translation {
    /// # Safety
    ///
    /// `block` is what a [`BlockCallback`] was called with, and the result does not outlive that
    /// call.
    pub unsafe fn new(block: *mut Block) -> Self {
        Self(block)
    }

    pub fn insns(self) -> impl Iterator<Item = TranslatedInsn> {
        // SAFETY: By the contract of `new()`, as below.
        let len = unsafe { qemu_plugin_tb_n_insns(self.0) };
        // SAFETY: The index is below the number of instructions.
        (0..len).map(move |n| TranslatedInsn(unsafe { qemu_plugin_tb_get_insn(self.0, n) }))
    }
}

/// An instruction of a block that is being translated.
pub struct TranslatedInsn(*mut Insn);

impl TranslatedInsn {
    /// The bytes of the instruction; an x86 instruction has no more than 15.
    pub fn bytes(&self) -> ([u8; 15], usize) {
        let mut bytes = [0; 15];
        // SAFETY: The instruction is being translated; QEMU writes no more than it is told.
        let len = unsafe { qemu_plugin_insn_data(self.0, bytes.as_mut_ptr().cast(), bytes.len()) };
        (bytes, len)
    }

    pub fn address(&self) -> u64 {
        // SAFETY: The instruction is being translated.
        unsafe { qemu_plugin_insn_vaddr(self.0) }
    }

    /// Counts the instruction each time it is executed.
    pub fn count(&self, counter: Counter) {
        // SAFETY: The instruction is being translated; the scoreboard is never freed.
        unsafe { qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(self.0, ADD, counter, 1) }
    }

    /// Calls back before the instruction is executed.
    pub fn on_execution(&self, callback: CpuCallback, registers: c_int, data: Data) {
        // SAFETY: The instruction is being translated; the function lives as long as the plugin.
        unsafe { qemu_plugin_register_vcpu_insn_exec_cb(self.0, callback, registers, data) }
    }

    /// Calls back after each of the instruction's stores.
    pub fn on_store(&self, callback: MemoryCallback, data: Data) {
        // SAFETY: As above.
        unsafe { qemu_plugin_register_vcpu_mem_cb(self.0, callback, NO_REGS, MEMORY_WRITE, data) }
    }
}

/// Where an access went in the guest's physical memory, and its length; none for I/O. To be called
/// in the memory callback that was told of it.
pub fn physical(access: Access, address: u64) -> Option<(u64, u64)> {
    // SAFETY: The answer is valid until the next question of this thread.
    unsafe {
        let hardware = qemu_plugin_get_hwaddr(access, address);
        if hardware.is_null() || qemu_plugin_hwaddr_is_io(hardware) {
            return None;
        }
        Some((
            qemu_plugin_hwaddr_phys_addr(hardware),
            1 << qemu_plugin_mem_size_shift(access),
        ))
    }
}

/// What was stored by the access, in its first bytes. To be called in the memory callback that was
/// told of it.
pub fn stored(access: Access) -> [u8; 16] {
    // SAFETY: The memory callback is running.
    let value = unsafe { qemu_plugin_mem_get_value(access) };
    (u128::from(value.low) | (u128::from(value.high) << 64)).to_le_bytes()
}

/// The physical address of a virtual one of the CPU that the callback is about.
pub fn translate(address: u64) -> Option<u64> {
    let mut physical = 0;
    // SAFETY: A callback of a CPU is running, by the contract of this function's callers.
    unsafe { qemu_plugin_translate_vaddr(address, &mut physical) }.then_some(physical)
}

/// `len` bytes of the guest's memory at the virtual address.
pub fn read_memory(address: u64, len: usize) -> Option<Vec<u8>> {
    let bytes = Bytes::new();
    // SAFETY: A callback of a CPU is running.
    unsafe { qemu_plugin_read_memory_vaddr(address, bytes.0, len) }
        .then(|| bytes.as_slice().to_vec())
}

/// `len` bytes of the guest's memory at the physical address.
pub fn read_physical(address: u64, len: usize) -> Option<Vec<u8>> {
    const PART: usize = 1 << 20;
    let mut read = Vec::with_capacity(len);
    while read.len() < len {
        let bytes = Bytes::new();
        let part = PART.min(len - read.len());
        let at = address.checked_add(read.len() as u64)?;
        // SAFETY: A callback of a CPU is running.
        if unsafe { qemu_plugin_read_memory_hwaddr(at, bytes.0, part) } != 0 {
            return None;
        }
        read.extend_from_slice(bytes.as_slice());
    }
    Some(read)
}

/// Writes to the guest's memory at the physical address.
pub fn write_physical(address: u64, data: &[u8]) -> bool {
    let Ok(len) = c_uint::try_from(data.len()) else {
        return false;
    };
    let bytes = Bytes::new();
    // SAFETY: GLib copies the bytes. A callback of a CPU is running.
    unsafe {
        g_byte_array_append(bytes.0, data.as_ptr(), len);
        qemu_plugin_write_memory_hwaddr(address, bytes.0) == 0
    }
}

/// A register of a CPU, by the handle that QEMU gave for it.
#[derive(Clone, Copy)]
pub struct Handle(*mut c_void);

// SAFETY: QEMU never dereferences the handle: it encodes the register's number.
unsafe impl Send for Handle {}

impl Handle {
    /// Its value, in a callback that was registered with [`READ_REGS`].
    pub fn read(self) -> Option<u64> {
        let bytes = Bytes::new();
        // SAFETY: The handle is of the CPU that the callback is about.
        if !unsafe { qemu_plugin_read_register(self.0, bytes.0) } {
            return None;
        }
        Some(u64::from_le_bytes(
            bytes.as_slice().get(..8)?.try_into().ok()?,
        ))
    }

    /// Gives it a value, in a callback that was registered with [`WRITE_REGS`].
    pub fn write(self, value: u64) -> bool {
        let bytes = Bytes::new();
        let value = value.to_le_bytes();
        // SAFETY: The handle as above; GLib copies the bytes.
        unsafe {
            g_byte_array_append(bytes.0, value.as_ptr(), value.len() as c_uint);
            qemu_plugin_write_register(self.0, bytes.0)
        }
    }
}

/// The names and handles of the registers of the CPU that is being initialised.
pub fn registers() -> Vec<(String, Handle)> {
    // SAFETY: A callback of a CPU is running. The array's elements are descriptors, whose strings
    // live as long as QEMU.
    unsafe {
        let array = qemu_plugin_get_registers();
        let data = (*array).data.cast::<Descriptor>();
        let descriptors = std::slice::from_raw_parts(data, (*array).len as usize);
        let named = |d: &Descriptor| {
            (
                CStr::from_ptr(d.name).to_string_lossy().into_owned(),
                Handle(d.handle),
            )
        };
        let registers = descriptors.iter().map(named).collect();
        g_array_free(array, 1);
        registers
    }
}

/// A byte array of GLib.
struct Bytes(*mut ByteArray);

impl Bytes {
    fn new() -> Self {
        // SAFETY: No precondition.
        Self(unsafe { g_byte_array_new() })
    }

    fn as_slice(&self) -> &[u8] {
        // SAFETY: The array is ours, and nobody changes it while it is borrowed.
        unsafe {
            match ((*self.0).data, (*self.0).len) {
                (_, 0) => &[],
                (data, len) => std::slice::from_raw_parts(data, len as usize),
            }
        }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        // SAFETY: The array is ours.
        unsafe { g_byte_array_free(self.0, 1) };
    }
}
