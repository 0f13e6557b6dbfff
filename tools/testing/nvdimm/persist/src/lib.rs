// SPDX-License-Identifier: GPL-2.0

//! A QEMU plugin that knows of each line of a guest's persistent memory whether it would survive
//! a power cut.
//!
//! [`insn`] says what an instruction does to caches, [`lines`] what that makes of the lines;
//! [`count`] says what an operation costs; they are pure. [`timeline`] writes down what is drawn.
//! [`qemu`] declares the part of QEMU's plugin interface that is used; QEMU calls [`plugin`], which tells
//! [`checker`] what happens. A guest asks by [`marker`]s. [`options`] are those of QEMU's command line.
//!
//! [`content`] knows what a power cut could leave in the lines, [`recording`] all that happened to
//! them; from both, [`images`] makes images of memory as it is after a cut.

mod content;
mod count;
mod insn;
mod lines;
mod marker;
mod recording;
mod timeline;
// A test program is not loaded into QEMU, which has these symbols.
#[cfg(not(test))]
mod checker;
#[cfg(not(test))]
mod images;
#[cfg(not(test))]
mod options;
#[cfg(not(test))]
mod plugin;
#[cfg(not(test))]
mod qemu;
