// SPDX-License-Identifier: GPL-2.0

//! The part of version 7 of QEMU's plugin interface that the plugin uses, with safe wrappers.
//!
//! C header: `include/plugins/qemu-plugin.h` of QEMU 11; GLib's `GArray` and `GByteArray`.

use std::ffi::{c_char, c_int, c_uint, c_void, CStr};

pub const VERSION: c_int = 7;

/// How a callback accesses registers.
pub const NO_REGS: c_int = 0;
pub const READ_REGS: c_int = 1;
pub const WRITE_REGS: c_int = 2;
const MEMORY_WRITE: c_int = 2;
/// Kinds of discontinuities, which are jumps that no instruction causes.
pub const INTERRUPT: c_int = 1;
pub const EXCEPTION: c_int = 2;
const ADD: c_int = 0;

/// Identifies the plugin.
pub type Id = u64;
/// QEMU's description of an access, for a memory callback.
pub type Access = u32;
/// A value that the plugin registers with a callback, and that QEMU passes to it.
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
/// A stored value; `low` and `high` start with its bytes.
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

/// A counter for each CPU, which instructions increment.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Counter {
    scoreboard: *mut Scoreboard,
    offset: usize,
}

// SAFETY: Any thread may pass the handle to QEMU, which takes its own locks to sum the counts.
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

/// Registers the plugin's callbacks; `id` is the identifier that QEMU passed at installation.
pub fn register(
    id: Id,
    cpu: CpuCallback,
    block: BlockCallback,
    jump: JumpCallback,
    exit: ExitCallback,
) {
    let none = std::ptr::null_mut();
    // SAFETY:
    // - The functions exist as long as the plugin is loaded.
    // - They do not use the null data.
    unsafe {
        qemu_plugin_register_vcpu_init_cb(id, cpu, none);
        qemu_plugin_register_vcpu_tb_trans_cb(id, block, none);
        qemu_plugin_register_vcpu_discon_cb(id, INTERRUPT | EXCEPTION, jump, none);
        qemu_plugin_register_atexit_cb(id, exit, none);
    }
}

impl Counter {
    /// Makes a counter, which exists as long as QEMU runs.
    pub fn new() -> Self {
        // SAFETY: The function has no precondition.
        let scoreboard = unsafe { qemu_plugin_scoreboard_new(size_of::<u64>()) };
        Self {
            scoreboard,
            offset: 0,
        }
    }

    /// The sum over all CPUs.
    pub fn sum(self) -> u64 {
        // SAFETY: The plugin never frees the scoreboard.
        unsafe { qemu_plugin_u64_sum(self) }
    }
}

/// Has QEMU drop all callbacks and the blocks that it translated with them. Then QEMU calls
/// `callback`, which registers callbacks again.
pub fn reset(id: Id, callback: ExitCallback) {
    // SAFETY: `callback` exists as long as the plugin is loaded, and does not use the null data.
    unsafe { qemu_plugin_reset(id, callback, std::ptr::null_mut()) };
}

/// A block of instructions that QEMU is translating, valid during the callback.
#[derive(Clone, Copy)]
pub struct Translation(*mut Block);

impl Translation {
    /// # Safety
    ///
    /// - QEMU has passed `block` to a [`BlockCallback`].
    /// - The result, and the instructions that it returns, do not outlive that call.
    pub unsafe fn new(block: *mut Block) -> Self {
        Self(block)
    }

    pub fn insns(self) -> impl Iterator<Item = TranslatedInsn> {
        // SAFETY: By the contract of `new()` QEMU is translating the block.
        let len = unsafe { qemu_plugin_tb_n_insns(self.0) };
        // SAFETY:
        // - By the contract of `new()` QEMU is translating the block.
        // - The index is below the number of instructions.
        (0..len).map(move |n| TranslatedInsn(unsafe { qemu_plugin_tb_get_insn(self.0, n) }))
    }
}

/// An instruction of a block that QEMU is translating.
pub struct TranslatedInsn(*mut Insn);

impl TranslatedInsn {
    /// The bytes of the instruction, at most 15 on x86.
    pub fn bytes(&self) -> ([u8; 15], usize) {
        let mut bytes = [0; 15];
        // SAFETY:
        // - `self` comes from `Translation::insns()`, so QEMU is translating the instruction.
        // - QEMU writes at most `bytes.len()` bytes.
        let len = unsafe { qemu_plugin_insn_data(self.0, bytes.as_mut_ptr().cast(), bytes.len()) };
        (bytes, len)
    }

    pub fn address(&self) -> u64 {
        // SAFETY: `self` comes from `Translation::insns()`, so QEMU is translating the instruction.
        unsafe { qemu_plugin_insn_vaddr(self.0) }
    }

    /// Increments the counter each time the guest executes the instruction.
    pub fn count(&self, counter: Counter) {
        // SAFETY:
        // - `self` comes from `Translation::insns()`, so QEMU is translating the instruction.
        // - The plugin never frees the scoreboard.
        unsafe { qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(self.0, ADD, counter, 1) }
    }

    /// Has QEMU call back before each execution of the instruction.
    pub fn on_execution(&self, callback: CpuCallback, registers: c_int, data: Data) {
        // SAFETY:
        // - `self` comes from `Translation::insns()`, so QEMU is translating the instruction.
        // - `callback` exists as long as the plugin is loaded.
        unsafe { qemu_plugin_register_vcpu_insn_exec_cb(self.0, callback, registers, data) }
    }

    /// Has QEMU call back after each store of the instruction.
    pub fn on_store(&self, callback: MemoryCallback, data: Data) {
        // SAFETY:
        // - `self` comes from `Translation::insns()`, so QEMU is translating the instruction.
        // - `callback` exists as long as the plugin is loaded.
        unsafe { qemu_plugin_register_vcpu_mem_cb(self.0, callback, NO_REGS, MEMORY_WRITE, data) }
    }
}

/// The physical address and the length of an access; `None` for I/O. Call it in the memory callback
/// for that access.
pub fn physical(access: Access, address: u64) -> Option<(u64, u64)> {
    // SAFETY:
    // - The caller runs in the memory callback for this access.
    // - QEMU keeps the returned structure until this thread's next call.
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

/// The value that the access stored, in the first bytes. Call it in the memory callback for that
/// access.
pub fn stored(access: Access) -> [u8; 16] {
    // SAFETY: The caller runs in the memory callback for this access.
    let value = unsafe { qemu_plugin_mem_get_value(access) };
    (u128::from(value.low) | (u128::from(value.high) << 64)).to_le_bytes()
}

/// Translates a virtual address of the current callback's CPU to a physical one. Call it in a
/// callback of a CPU.
pub fn translate(address: u64) -> Option<u64> {
    let mut physical = 0;
    // SAFETY:
    // - The caller runs in a callback of a CPU.
    // - `physical` is a variable of this function.
    unsafe { qemu_plugin_translate_vaddr(address, &mut physical) }.then_some(physical)
}

/// Reads `len` bytes of the guest's memory at the virtual address. Call it in a callback of a CPU.
pub fn read_memory(address: u64, len: usize) -> Option<Vec<u8>> {
    let bytes = Bytes::new();
    // SAFETY:
    // - The caller runs in a callback of a CPU.
    // - `bytes` owns the array, to which no reference exists.
    unsafe { qemu_plugin_read_memory_vaddr(address, bytes.0, len) }
        .then(|| bytes.as_slice().to_vec())
}

/// Reads `len` bytes of the guest's memory at the physical address. Call it in a callback of a CPU.
pub fn read_physical(address: u64, len: usize) -> Option<Vec<u8>> {
    const PART: usize = 1 << 20;
    let mut read = Vec::with_capacity(len);
    while read.len() < len {
        let bytes = Bytes::new();
        let part = PART.min(len - read.len());
        let at = address.checked_add(read.len() as u64)?;
        // SAFETY:
        // - The caller runs in a callback of a CPU.
        // - `bytes` owns the array, to which no reference exists.
        if unsafe { qemu_plugin_read_memory_hwaddr(at, bytes.0, part) } != 0 {
            return None;
        }
        read.extend_from_slice(bytes.as_slice());
    }
    Some(read)
}

/// Writes to the guest's memory at the physical address. Call it in a callback of a CPU.
pub fn write_physical(address: u64, data: &[u8]) -> bool {
    let Ok(len) = c_uint::try_from(data.len()) else {
        return false;
    };
    let bytes = Bytes::new();
    // SAFETY:
    // - GLib copies `len` bytes of `data` to the array that `bytes` owns.
    // - The caller runs in a callback of a CPU.
    unsafe {
        g_byte_array_append(bytes.0, data.as_ptr(), len);
        qemu_plugin_write_memory_hwaddr(address, bytes.0) == 0
    }
}

/// QEMU's handle for a register of a CPU.
#[derive(Clone, Copy)]
pub struct Handle(*mut c_void);

// SAFETY: QEMU never dereferences the handle: it encodes the register's number.
unsafe impl Send for Handle {}

impl Handle {
    /// Reads the register, in a callback that was registered with [`READ_REGS`].
    pub fn read(self) -> Option<u64> {
        let bytes = Bytes::new();
        // SAFETY:
        // - The caller runs in a callback of the CPU of this handle.
        // - `bytes` owns the array, to which no reference exists.
        if !unsafe { qemu_plugin_read_register(self.0, bytes.0) } {
            return None;
        }
        Some(u64::from_le_bytes(
            bytes.as_slice().get(..8)?.try_into().ok()?,
        ))
    }

    /// Writes the register, in a callback that was registered with [`WRITE_REGS`].
    pub fn write(self, value: u64) -> bool {
        let bytes = Bytes::new();
        let value = value.to_le_bytes();
        // SAFETY:
        // - The caller runs in a callback of the CPU of this handle.
        // - GLib copies the bytes of `value` to the array that `bytes` owns.
        unsafe {
            g_byte_array_append(bytes.0, value.as_ptr(), value.len() as c_uint);
            qemu_plugin_write_register(self.0, bytes.0)
        }
    }
}

/// The names and handles of the registers of the CPU that QEMU is initialising. Call it in the
/// callback of the initialisation.
pub fn registers() -> Vec<(String, Handle)> {
    // SAFETY:
    // - The caller runs in the callback of the CPU's initialisation.
    // - QEMU returns an array of `len` descriptors, which the caller has to free.
    // - The descriptors' strings exist as long as QEMU runs.
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
        // SAFETY: The function has no precondition.
        Self(unsafe { g_byte_array_new() })
    }

    fn as_slice(&self) -> &[u8] {
        // SAFETY:
        // - `self` owns the array, whose `data` points to `len` bytes.
        // - The reference borrows `self`, and the functions of this file change only arrays to
        //   which no reference exists.
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
        // SAFETY: `self` owns the array, and does not use it afterwards.
        unsafe { g_byte_array_free(self.0, 1) };
    }
}
