// SPDX-License-Identifier: GPL-2.0

//! Explores the interleavings of tasks that use the entries of one file.
//!
//! The entries and their lock are `fs/dax/sys/entry.rs` and `fs/dax/slot.rs`, as the kernel builds
//! them. The rest of `fs/dax/sys` is one over loom, which runs a model again and again until all
//! interleavings of its threads, with a bounded number of preemptions, have been seen. A thread
//! that sleeps for ever, data that two threads touch at once, and an assertion that fails, end it.
//!
//! With the name of a model as the argument it is explored, with none their names are printed.

#[path = "../../../../../fs/dax"]
#[expect(dead_code, unused_imports, reason = "the models do not use all of it")]
mod dax {
    pub(crate) mod slot;
}
pub(crate) use dax::slot;

mod blocks;
mod failure;
mod file;
mod memory;
mod models;
#[expect(dead_code, reason = "the models do not use all of it")]
mod sys;
mod tables;

use std::{
    env,
    process::ExitCode,
    sync::atomic::{
        AtomicUsize,
        Ordering, //
    },
    sync::Arc, //
};

/// Runs `body` in all interleavings with at most `preemptions` preemptions.
fn explore(preemptions: usize, body: fn()) {
    let runs = Arc::new(AtomicUsize::new(0));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    let counter = runs.clone();
    builder.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        body();
    });
    println!("{} interleavings", runs.load(Ordering::Relaxed));
}

fn main() -> ExitCode {
    let Some(name) = env::args().nth(1) else {
        for model in models::ALL {
            println!("{}", model.name);
        }
        return ExitCode::SUCCESS;
    };
    let Some(model) = models::ALL.iter().find(|model| model.name == name) else {
        eprintln!("there is no model {name}");
        return ExitCode::FAILURE;
    };
    explore(model.preemptions, model.body);
    ExitCode::SUCCESS
}
