// SPDX-License-Identifier: GPL-2.0

//! A fault that is being handled: what it is for, and what the filesystem wants to know about it.

use crate::sys::{
    entry::Order,
    mapping::DaxMapping, //
};
use core::{
    cell::Cell,
    marker::PhantomData, //
};
use kernel::{
    ffi::c_int,
    prelude::*, //
};
use kernel_ext::{
    fs::inode::Inode,
    iomap::Ops,
    mm::fault::{
        FaultCode,
        VmFault, //
    },
    units::PageIndex,
};

/// The size of the memory that a fault is for, as a type: the path is compiled once for each size,
/// with only the branches of that size.
pub(super) trait Size {
    /// The order of an entry of this size.
    const ORDER: Order;
}

/// One page.
pub(super) struct Pte;

impl Size for Pte {
    const ORDER: Order = Order::Pte;
}

/// 2 MiB.
pub(super) struct Pmd;

impl Size for Pmd {
    const ORDER: Order = Order::Pmd;
}

/// Places in which the filesystem wants more than the code.
#[derive(Clone, Copy)]
pub(crate) struct Report<'a> {
    /// Where it wants the number of the frame that is to be mapped after a sync of the file.
    pub(crate) sync_pfn: Option<&'a Cell<usize>>,
    /// Where it wants the error of its own that made the fault fail.
    pub(crate) error: Option<&'a Cell<c_int>>,
}

/// A fault on a file, for memory of the size `S`.
pub(super) struct Fault<'a, S: Size> {
    pub(super) vmf: &'a VmFault,
    pub(super) mapping: &'a DaxMapping,
    /// The filesystem, which knows the extents.
    pub(super) ops: &'a Ops,
    pub(super) report: Report<'a>,
    /// Whether the file is to be written; a write to a private copy only reads it.
    pub(super) write: bool,
    _size: PhantomData<S>,
}

impl<'a, S: Size> Fault<'a, S> {
    #[inline]
    pub(super) fn new(
        vmf: &'a VmFault,
        mapping: &'a DaxMapping,
        ops: &'a Ops,
        report: Report<'a>,
    ) -> Self {
        Self {
            vmf,
            mapping,
            ops,
            report,
            write: vmf.is_write() && !(S::ORDER == Order::Pte && vmf.has_cow_page()),
            _size: PhantomData,
        }
    }

    #[inline]
    pub(super) fn inode(&self) -> &'a Inode {
        self.mapping.host()
    }

    /// The first page of the memory that is to be mapped.
    #[inline]
    pub(super) fn start(&self) -> PageIndex {
        S::ORDER.start(self.vmf.index())
    }

    /// Where in the file that memory begins, in bytes.
    #[inline]
    pub(super) fn pos(&self) -> u64 {
        self.start().byte_offset()
    }

    /// The code of a fault that cannot have its memory.
    pub(super) fn refuse(&self, e: Error) -> FaultCode {
        match S::ORDER {
            Order::Pte => FaultCode::from_error(e),
            Order::Pmd => FaultCode::FALLBACK,
        }
    }
}
