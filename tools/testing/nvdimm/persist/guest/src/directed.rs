// SPDX-License-Identifier: GPL-2.0

//! Operations that random choice seldom puts together.

use std::io;

use persist::change::Change;
use persist::view::PAGE;
use persist::workload::{Step, Workload};

/// Stores with `MAP_SYNC` to blocks that two files share, each while the filesystem has nothing else
/// to commit: only the fault itself can make the copy part of the file in time.
pub fn shared_blocks(workload: &mut Workload<'_>) -> io::Result<()> {
    workload.make(Step::Create("a"))?;
    workload.make(Step::Change("a", Change::write(0, 8 * PAGE, 1)))?;
    workload.make(Step::Create("b"))?;
    workload.make(Step::Share("b", "a"))?;
    workload.make(Step::SyncAll("b"))?;
    // a part of a page; parts of two pages; a page of the file that was there first; three pages
    let stores = [
        ("b", PAGE + 100, 50),
        ("b", 3 * PAGE - 40, 80),
        ("a", 6 * PAGE, PAGE),
        ("b", 4 * PAGE, 3 * PAGE),
    ];
    for (number, (name, off, len)) in stores.into_iter().enumerate() {
        workload.make(Step::Change(name, Change::store_sync(off, len, 2 + number)))?;
        workload.make(Step::SyncAll(name))?;
    }
    Ok(())
}
