// SPDX-License-Identifier: GPL-2.0

//! The core's own machinery over C: safe types, with the unsafe code inside.
//!
//! | file | about |
//! |---|---|
//! | [`domain`] | the SRCU domain of all devices |
//! | [`pseudo`], [`filesystem`] | the filesystem whose inodes carry devices |
//! | [`cdev`] | character devices and their numbers |
//! | [`tables`] | the tables in which devices are found |
//! | [`driver`], [`table`] | private data and operations from a driver |
//! | [`holder`], [`notify`] | the identity of a holder, and calls to it |
//! | [`operations`], [`copy`], [`iter`] | calls to drivers and to the architecture's copies |
//! | [`object`] | pointers of C to devices, and the objects behind |
//! | [`block`], [`dev_dax`] | views of block devices and of device-dax |

#[cfg(all(CONFIG_BLOCK, CONFIG_FS_DAX))]
pub(crate) mod block;
pub(crate) mod cdev;
pub(crate) mod copy;
#[cfg(CONFIG_FS_DAX)]
pub(crate) mod dev_dax;
pub(crate) mod domain;
pub(crate) mod driver;
pub(crate) mod filesystem;
pub(crate) mod holder;
pub(crate) mod iter;
pub(crate) mod notify;
pub(crate) mod object;
pub(crate) mod operations;
pub(crate) mod pseudo;
pub(crate) mod table;
pub(crate) mod tables;
