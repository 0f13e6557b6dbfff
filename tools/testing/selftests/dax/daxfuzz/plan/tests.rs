// SPDX-License-Identifier: GPL-2.0

//! Tests how the plan treats operations that do not fit, or that threads may not run at once.

use super::*;
use std::sync::Arc;

fn planned(fs: Fs, text: &str, size: u64) -> (Vec<String>, State, Plan) {
    let program: Program = text.parse().unwrap();
    let mut state = State::new();
    state.sizes = vec![size; FILES as usize];
    let start = vec![Arc::new(vec![0; size as usize]); FILES as usize];
    let plan = plan(fs, &program.phases[0], &mut state, start);
    let lines = plan
        .steps
        .iter()
        .flatten()
        .map(|step| format!("{}{}", step.op, if step.noise { " noise" } else { "" }));
    (lines.collect(), state, plan)
}

#[test]
fn ranges_are_cut_to_the_file() {
    let text = "phase\n0 write 0 0x1f00 0x1000 1 plain\n0 read 0 0x2000 0x10 plain\n\
                0 punch 0 0x10 0xffff\n0 alloc 1 0x0 0x3000\n0 write 1 0x2f00 0x1000 1 short\n";
    let (lines, state, _) = planned(Fs::Ext4, text, 0x2000);
    assert_eq!(
        lines,
        [
            "0 write 0 0x1f00 0x100 1 plain",
            "0 punch 0 0x10 0x1ff0",
            "0 alloc 1 0x0 0x3000",
            "0 write 1 0x2f00 0x1000 1 plain"
        ]
    );
    assert_eq!(state.sizes, [0x2000, 0x3f00]);
}

#[test]
fn who_shifts_a_file_has_it_alone() {
    let text = "phase\n0 read 0 0x0 0x10 plain\n0 write 0 0x0 0x10 1 plain\n\
                1 collapse 0 0x0 0x1000\n1 write 0 0x2000 0x10 2 plain\n2 truncate 0 0x0\n";
    let (lines, state, plan) = planned(Fs::Ext4, text, 0x2000);
    assert_eq!(
        lines,
        [
            "0 read 0 0x0 0x10 plain noise",
            "1 collapse 0 0x0 0x1000",
            "1 write 0 0x2000 0x10 2 plain"
        ]
    );
    assert_eq!(state.sizes[0], 0x2010);
    assert_eq!(plan.race.owner, [Some(1), None]);
}

#[test]
fn mappings_are_known() {
    let text = "phase\n0 load 0 0x0 0x10\n0 map 0 1 0x1000 0x4000 shared 0\n\
                0 store 0 0x800 0x1000 5\n0 store 0 0x1000 0x10 5\n0 protect 0 ro\n\
                0 store 0 0x0 0x10 5\n0 unmap 0\n0 load 0 0x0 0x10\n\
                1 map 1 0 0x0 0x1000 private 1\n1 cow 1 0x0 0x10 5\n1 load 1 0x0 0x10\n";
    let (lines, _, plan) = planned(Fs::Xfs, text, 0x2000);
    assert_eq!(
        lines,
        [
            "0 map 0 1 0x1000 0x4000 shared 0",
            "0 store 0 0x800 0x800 5",
            "0 protect 0 ro",
            "0 unmap 0",
            "1 map 1 0 0x0 0x1000 private 1",
            "1 cow 1 0x0 0x10 5",
            "1 load 1 0x0 0x10 noise"
        ]
    );
    assert_eq!(
        (plan.race.effects[0].off, plan.race.effects[0].len),
        (0x1800, 0x800)
    );
}

#[test]
fn blocks_are_shared_on_xfs_alone() {
    let text = "phase\n0 clone 0 0x1fff 0x1fff 1 0x10\n0 clone 0 0x0 0x2000 0 0x1000\n\
                0 dedupe 0 0x0 0x1000 1 0x1000\n0 unshare 0 0x0 0x10\n";
    let (lines, ..) = planned(Fs::Xfs, text, 0x3000);
    assert_eq!(
        lines,
        [
            "0 clone 0 0x1000 0x1000 1 0x0",
            "0 dedupe 0 0x0 0x1000 1 0x1000",
            "0 unshare 0 0x0 0x10"
        ]
    );
    assert_eq!(planned(Fs::Ext4, text, 0x3000).0, [""; 0]);
}

#[test]
fn nothing_moves_when_devices_go() {
    let text = "phase unbind 2\n0 truncate 0 0x0\n0 unlink 0\n0 map 0 0 0x0 0x1000 shared 0\n\
                0 write 0 0x0 0x10 1 plain\n";
    let (lines, state, plan) = planned(Fs::Ext4, text, 0x1000);
    assert_eq!(lines, ["0 write 0 0x0 0x10 1 plain"]);
    assert_eq!(state.sizes[0], 0x1000);
    assert!(plan.race.violent);
}
