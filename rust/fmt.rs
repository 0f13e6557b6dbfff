// SPDX-License-Identifier: GPL-2.0

//! Formatting.

use core::{
    ffi::CStr,
    fmt, //
};
use kernel::{
    bindings,
    ffi::c_void,
    str::CStrExt, //
};

/// A pointer that is printed hashed, as by `%p` in C: it tells two objects apart without revealing
/// their addresses.
///
/// # Examples
///
/// ```
/// use kernel_ext::fmt::HashedPtr;
///
/// fn show<T>(f: &mut core::fmt::Formatter<'_>, object: &T) -> core::fmt::Result {
///     write!(f, "{:<16}", HashedPtr(core::ptr::from_ref(object).cast()))
/// }
/// ```
pub struct HashedPtr(pub *const c_void);

impl fmt::Display for HashedPtr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buf = [0u8; 32];
        // SAFETY:
        // - The buffer is valid for writes of its size.
        // - `%p` takes one pointer, and does not follow it.
        unsafe { bindings::snprintf(buf.as_mut_ptr(), buf.len(), c"%p".as_char_ptr(), self.0) };
        let text = CStr::from_bytes_until_nul(&buf)
            .ok()
            .and_then(|text| text.to_str().ok())
            .ok_or(fmt::Error)?;
        f.pad(text)
    }
}
