// SPDX-License-Identifier: GPL-2.0

//! A QEMU plugin that knows for each line of a guest's persistent memory whether a power cut would
//! lose it.
//!
//! The pure parts: [`insn`] classifies instructions by their effect on caches, [`lines`] tracks the
//! states of lines, [`count`] computes the cost of operations. [`timeline`] writes the events for
//! the picture. [`qemu`] wraps QEMU's plugin interface; QEMU calls [`plugin`], which passes the
//! events to [`checker`]. Programs in the guest ask by [`marker`]s. [`options`] parses the options
//! of QEMU's command line.
//!
//! [`content`] knows the contents that lines could have after a power cut, and [`recording`] has
//! all of their events. With both, [`images`] makes images of memory after a cut.

mod content;
mod count;
mod insn;
mod lines;
mod marker;
mod recording;
mod timeline;
// QEMU provides the symbols of its interface, and unit tests run without it.
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
