// SPDX-License-Identifier: GPL-2.0

//! The folios of entries.
//!
//! The memory of a mapped entry is a folio of the size of the entry, from when the entry is put into
//! its slot until the last entry with this memory is removed. [`exchange`] and [`release`] begin and
//! end this. They are for [`slot`](crate::slot) to call when it changes an entry: the guard of the
//! i_pages lock, which the entry is changed under, is the evidence.
//!
//! A folio knows the one entry that has it; or how many have it, if files share blocks. Then whoever
//! has only the folio, as memory failure does, asks the filesystem which files these are.

mod ffi;

pub(crate) use ffi::{
    exchange,
    must_stay,
    of_locked,
    release, //
};
