// SPDX-License-Identifier: GPL-2.0

//! What crates need to compile for each kernel that this tree supports.
//!
//! `rust/Makefile` looks at the kernel tree for its features. Only this file, and the wrapper of a C
//! header that differs, depend on them: all other code is written for the newest kernel.

/// The [`ThisModule`] of the crate, which is a module.
///
/// Since 7.3 it belongs to the type that `module!` names.
///
/// [`ThisModule`]: kernel::ThisModule
#[cfg(has_owner_module)]
#[macro_export]
#[allow(clippy::crate_in_macro_def)]
macro_rules! this_module {
    () => {
        ::kernel::module::this_module::<crate::LocalModule>()
    };
}
/// The [`ThisModule`] of the crate, which is a module.
///
/// Up to 7.2 it is a static that `module!` defines. This arm goes away with 7.2.
///
/// [`ThisModule`]: kernel::ThisModule
#[cfg(not(has_owner_module))]
#[macro_export]
#[allow(clippy::crate_in_macro_def)]
macro_rules! this_module {
    () => {
        &crate::THIS_MODULE
    };
}
pub use this_module;

/// Says in the root of a crate that it is part of vmlinux.
///
/// A `#[vtable]` implementation names the module of its crate, and such a crate has no `module!`.
#[cfg(has_owner_module)]
#[macro_export]
macro_rules! built_in {
    ($name:literal) => {
        /// Stands for vmlinux, where a module would have its own type.
        #[allow(dead_code)]
        struct LocalModule;

        impl ::kernel::ModuleMetadata for LocalModule {
            const NAME: &'static ::kernel::str::CStr = $name;
            // SAFETY: `THIS_MODULE` of code in vmlinux is NULL.
            const THIS_MODULE: ::kernel::ThisModule =
                unsafe { ::kernel::ThisModule::from_ptr(::core::ptr::null_mut()) };
        }
    };
}
/// Says in the root of a crate that it is part of vmlinux.
///
/// Up to 7.2 no code asks for it. This arm goes away with 7.2.
#[cfg(not(has_owner_module))]
#[macro_export]
macro_rules! built_in {
    ($name:literal) => {};
}
pub use built_in;
