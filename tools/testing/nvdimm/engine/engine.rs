// SPDX-License-Identifier: GPL-2.0

//! The copy engine of `rust/pmem`, built for user space: the same source files, with stand-ins for
//! the three kernel variables and the constants that they use.
//!
//! The tests work on ordinary memory. They show which bytes are copied where, how many are left
//! after a fault, and which lines are written back; not that the bytes reach persistent memory.

#![no_std]
#![allow(dead_code)]

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[allow(dead_code, non_camel_case_types, non_upper_case_globals)]
pub mod bindings {
    pub const X86_FEATURE_SMAP: u32 = 9 * 32 + 20;
    pub const X86_FEATURE_CLFLUSHOPT: u32 = 9 * 32 + 23;
    pub const X86_FEATURE_CLWB: u32 = 9 * 32 + 24;
    pub const EX_TYPE_UACCESS: u32 = 3;

    pub struct alt_instr([u8; 14]);
    pub struct exception_table_entry([u32; 3]);

    #[repr(C)]
    pub struct cpuinfo_x86 {
        pub x86_clflush_size: u16,
    }
    #[no_mangle]
    pub static mut boot_cpu_data: cpuinfo_x86 = cpuinfo_x86 {
        x86_clflush_size: 64,
    };
    #[no_mangle]
    pub static mut USER_PTR_MAX: usize = (1 << 47) - 4096;
}

#[path = "../../../../rust/pmem/asm.rs"]
mod asm;
#[path = "../../../../rust/pmem/copy.rs"]
mod copy;
#[path = "../../../../rust/pmem/split.rs"]
mod split;
#[path = "../../../../rust/pmem/user.rs"]
mod user;

/// The engine under C names, for the tests and for the counts.
///
/// # Safety
///
/// Each has the conditions of the function that it calls.
#[no_mangle]
pub unsafe extern "C" fn rust_memcpy_flushcache(dst: *mut u8, src: *const u8, len: usize) {
    unsafe { copy::from_kernel(dst, src, len) }
}

/// See `rust_memcpy_flushcache`.
#[no_mangle]
pub unsafe extern "C" fn rust_copy_user_flushcache(
    dst: *mut u8,
    src: *const u8,
    len: usize,
) -> usize {
    unsafe { user::from_user(dst, src, len) }
}

/// See `rust_memcpy_flushcache`.
#[no_mangle]
pub unsafe extern "C" fn rust_wb_cache_pmem(addr: *mut u8, len: usize) {
    unsafe { copy::write_back(addr, len) }
}

/// See `rust_memcpy_flushcache`.
#[no_mangle]
pub unsafe extern "C" fn rust_wb_cache_blocks(addr: *mut u8, len: usize) {
    unsafe { copy::write_back_blocks(addr, len) }
}

/// See `rust_memcpy_flushcache`.
#[no_mangle]
pub unsafe extern "C" fn rust_zero_flushcache(addr: *mut u8, len: usize) {
    unsafe { copy::zero(addr, len) }
}
