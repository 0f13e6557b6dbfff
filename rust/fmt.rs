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

/// A pointer that is printed as the kernel's `%p` does: hashed, so that it tells two objects apart
/// without telling where they are.
pub struct HashedPtr(pub *const c_void);

impl fmt::Display for HashedPtr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buf = [0u8; 32];
        // SAFETY: The buffer is valid for writes of its size, and `%p` takes a pointer, which it
        // does not dereference.
        unsafe { bindings::snprintf(buf.as_mut_ptr(), buf.len(), c"%p".as_char_ptr(), self.0) };
        let text = CStr::from_bytes_until_nul(&buf)
            .ok()
            .and_then(|text| text.to_str().ok())
            .ok_or(fmt::Error)?;
        f.pad(text)
    }
}
