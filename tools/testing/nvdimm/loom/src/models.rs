// SPDX-License-Identifier: GPL-2.0

//! The models.

use crate::{
    blocks::NewFile,
    failure::Folio,
    file::File,
    memory::Memory,
    slot::{
        grab,
        GrabError,
        Slot, //
    },
    sys::entry::{
        Kind,
        Order, //
    },
};
use kernel_ext::units::PageIndex;
use loom::thread;
use std::sync::Arc;

/// What some threads do at once.
pub(crate) struct Model {
    pub(crate) name: &'static str,
    /// The most preemptions in an interleaving.
    pub(crate) preemptions: usize,
    pub(crate) body: fn(),
}

macro_rules! models {
    ($($name:ident: $preemptions:literal,)*) => {
        pub(crate) const ALL: &[Model] = &[$(Model {
            name: stringify!($name),
            preemptions: $preemptions,
            body: $name,
        }),*];
    };
}

models! {
    one_holder: 8,
    wakes_are_handed_on: 4,
    looking_hands_on: 4,
    scans_hand_on: 4,
    conflicts: 8,
    truncation_wakes_all: 4,
    downgrade_wakes_all: 4,
    downgrade_of_a_placeholder: 8,
    no_memory: 8,
    writes_are_tagged: 8,
    fsync_waits_for_fsync: 8,
    fsync_and_truncation: 8,
    fsync_of_neighbours: 6,
    neighbours_are_taken_if_free: 3,
    invalidation_keeps_dirty: 8,
    layout_is_flushed: 8,
    synchronous_fault: 4,
    failure_hands_on: 4,
    failure_and_eviction: 8,
    a_write_and_a_store_to_a_new_block: 4,
    two_stores_to_a_new_block: 4,
    stores_of_both_sizes_to_new_blocks: 4,
    a_read_of_a_new_block: 4,
}

type Task = fn(&File);

/// Runs the tasks at once, the last one in this thread; then checks the file.
fn together(file: &Arc<File>, tasks: &[Task]) {
    let (last, others) = tasks.split_last().unwrap();
    let threads: Vec<_> = others
        .iter()
        .map(|task| {
            let (file, task) = (file.clone(), *task);
            thread::spawn(move || task(&file))
        })
        .collect();
    last(file);
    for thread in threads {
        thread.join().unwrap();
    }
    file.check();
}

fn file() -> Arc<File> {
    Arc::default()
}

fn map(file: &File) {
    file.fault(0, Order::Pte, false).unwrap();
}

/// Two faults on one page: one entry, one after the other.
fn one_holder() {
    let file = file();
    together(&file, &[map as Task; 2]);
    assert_eq!(file.mapping.nrpages(), 1);
}

/// Of several tasks that wait for a page, each is woken by the one before.
fn wakes_are_handed_on() {
    together(&file(), &[map as Task; 3]);
}

/// A task that looks an entry up, and leaves it, hands the wake-up on.
fn looking_hands_on() {
    together(
        &file(),
        &[
            |file| file.fault(0, Order::Pte, true).unwrap(),
            |file| file.invalidate(0),
            map,
        ],
    );
}

/// So does a walk.
fn scans_hand_on() {
    together(&file(), &[map, |file| assert!(file.scan() <= 1), map]);
}

/// Large entries do not take the place of small ones, nor wait for them.
fn conflicts() {
    let file = file();
    together(
        &file,
        &[
            |file| match file.fault(0, Order::Pmd, false) {
                Ok(()) => assert_eq!(file.mapping.nrpages(), 512),
                Err(error) => assert_eq!(error, GrabError::Fallback),
            },
            |file| file.fault(1, Order::Pte, false).unwrap(),
        ],
    );
}

/// Nobody waits for an entry that is gone.
fn truncation_wakes_all() {
    together(
        &file(),
        &[
            map,
            |file| {
                file.truncate(0);
            },
            map,
        ],
    );
}

/// A large hole is removed for small entries: tasks that wait for it wait for different ones then.
fn downgrade_wakes_all() {
    let file = file();
    file.fault_hole(0, Order::Pmd).unwrap();
    together(
        &file,
        &[
            |file| match file.fault_hole(0, Order::Pmd) {
                Ok(()) | Err(GrabError::Fallback) => (),
                Err(error) => panic!("{error:?}"),
            },
            map,
            |file| file.fault(1, Order::Pte, false).unwrap(),
        ],
    );
    assert_eq!(file.mapping.nrpages(), 2);
    assert_eq!(file.mapping.unmapped()[0], (PageIndex(0), 512));
}

/// So does a large placeholder, left by a fault that has failed.
fn downgrade_of_a_placeholder() {
    let file = file();
    let mut slot = Slot::new(&file.mapping, PageIndex(5), Order::Pmd);
    let locked = grab(&mut slot, Order::Pmd).unwrap();
    assert_eq!(locked.entry().kind(), Kind::Empty);
    assert_eq!(locked.index(), PageIndex(0));
    let other = file.clone();
    let thread = thread::spawn(move || other.fault(1, Order::Pte, false).unwrap());
    drop(locked);
    file.fault(0, Order::Pte, false).unwrap();
    thread.join().unwrap();
    file.check();
    assert_eq!(file.mapping.nrpages(), 2);
}

/// The array has no memory to grow: it is allocated without the lock.
fn no_memory() {
    let file = file();
    file.mapping.fail_stores(2);
    together(&file, &[map as Task; 2]);
    assert_eq!(file.mapping.nrpages(), 1);
}

/// Whatever is written while fsync runs stays tagged unless it has been flushed.
fn writes_are_tagged() {
    let file = file();
    file.write(0);
    together(
        &file,
        &[
            |file| {
                file.write(0);
            },
            File::fsync,
        ],
    );
    file.fsync();
    assert!(file.is_stable(0, 2));
}

/// fsync returns when the data is stable, also if another fsync flushes it.
fn fsync_waits_for_fsync() {
    let file = file();
    file.write(0);
    let fsync: Task = |file| {
        file.fsync();
        assert!(file.is_stable(0, 1), "fsync has not waited for the flush");
    };
    together(&file, &[fsync; 2]);
}

/// Entries go away under a walk.
fn fsync_and_truncation() {
    let file = file();
    file.write(0);
    file.write(1);
    together(
        &file,
        &[File::fsync, |file| {
            file.truncate(1);
            file.truncate(0);
        }],
    );
    assert_eq!(file.mapping.nrpages(), 0);
}

/// Two fsyncs write back the same two pages, together or one by one.
fn fsync_of_neighbours() {
    let file = file();
    file.write(0);
    file.write(1);
    let fsync: Task = |file| {
        file.fsync();
        assert!(file.is_stable(0, 1) && file.is_stable(1, 1));
    };
    together(&file, &[fsync; 2]);
}

/// Faults have one of the pages, or wait for it, while fsync takes both.
fn neighbours_are_taken_if_free() {
    let file = file();
    file.write(0);
    file.write(1);
    let write: Task = |file| {
        file.fault(1, Order::Pte, true).unwrap();
        file.write(1);
    };
    together(&file, &[write, File::fsync, write]);
    file.fsync();
    assert!(file.is_stable(0, 1) && file.is_stable(1, 3));
}

/// Only what is stable is dropped from the page tables and the array.
fn invalidation_keeps_dirty() {
    let file = file();
    file.write(0);
    together(&file, &[File::fsync, |file| file.invalidate(0)]);
}

/// All data is stable once the layout has been broken, although faults go on.
fn layout_is_flushed() {
    let file = file();
    let write = file.write(0);
    together(&file, &[File::break_layout, File::fsync]);
    assert!(file.is_stable(0, write));
    assert_eq!(file.mapping.nrpages(), 0);
}

/// The end of a synchronous fault finds the entry, or not, while it is truncated.
fn synchronous_fault() {
    let file = file();
    file.fault(0, Order::Pte, false).unwrap();
    together(
        &file,
        &[
            |file| {
                file.finish_sync_fault(0);
            },
            |file| {
                file.truncate(0);
            },
            map,
        ],
    );
}

/// A task that waits for the entry of a page, and finds that it is shared, hands nothing on.
fn failure_hands_on() {
    let file = file();
    file.fault(0, Order::Pte, false).unwrap();
    let folio = Arc::new(Folio::new(&file));
    let other = folio.clone();
    let failure = thread::spawn(move || other.fail());
    let other = file.clone();
    let fault = thread::spawn(move || map(&other));
    {
        let mut slot = Slot::new(&file.mapping, PageIndex(0), Order::Pte);
        let locked = grab(&mut slot, Order::Pte).unwrap();
        file.touch(&locked);
        folio.disassociate();
    }
    failure.join().unwrap();
    fault.join().unwrap();
    file.check();
}

/// The file is freed while memory failure waits for an entry of it.
fn failure_and_eviction() {
    let file = file();
    file.fault(0, Order::Pte, false).unwrap();
    let folio = Arc::new(Folio::new(&file));
    let other = folio.clone();
    let failure = thread::spawn(move || other.fail());
    {
        let mut slot = Slot::new(&file.mapping, PageIndex(0), Order::Pte);
        drop(grab(&mut slot, Order::Pte).unwrap());
        let found = slot.lock().next(PageIndex::MAX).unwrap();
        let removed = |_| folio.disassociate();
        drop(found.discard(&mut Memory::of_unknown_device().with_removal(&removed)));
    }
    drop(file);
    failure.join().unwrap();
}

/// Runs the tasks at once on a file whose blocks have never been written.
fn on_new_blocks(tasks: [fn(&NewFile); 2]) -> Arc<NewFile> {
    let file: Arc<NewFile> = Arc::default();
    let [one, other] = tasks;
    let first = file.clone();
    let thread = thread::spawn(move || one(&first));
    other(&file);
    thread.join().unwrap();
    file
}

/// Whichever task has the block zeroed, both the store and the write are there.
fn a_write_and_a_store_to_a_new_block() {
    let file = on_new_blocks([|file| file.write(0), |file| file.store(0, Order::Pte)]);
    assert!(file.has_write(0), "the write is lost");
    assert!(file.has_store(0), "the store is lost");
}

/// Two processes store to the page at once.
fn two_stores_to_a_new_block() {
    let store: fn(&NewFile) = |file| {
        file.store(0, Order::Pte);
        assert!(file.has_store(0), "the store is lost");
    };
    assert!(on_new_blocks([store; 2]).has_store(0), "a store is lost");
}

/// A fault of 2 MiB, and one of a page in them.
fn stores_of_both_sizes_to_new_blocks() {
    let file = on_new_blocks([
        |file| file.store(0, Order::Pmd),
        |file| file.store(1, Order::Pte),
    ]);
    assert!(file.has_store(0) && file.has_store(1), "a store is lost");
}

/// A read finds a hole, zeroes, or what was stored.
fn a_read_of_a_new_block() {
    on_new_blocks([|file| file.read(0), |file| file.store(0, Order::Pte)]);
}
