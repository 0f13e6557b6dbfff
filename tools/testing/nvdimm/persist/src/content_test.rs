// SPDX-License-Identifier: GPL-2.0

//! Compares the contents with a model that keeps all events and computes every possible content of
//! a line from them.

use std::collections::BTreeSet;

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Event {
    Store(Cpu, usize, Vec<u8>, Store),
    WriteBack(Cpu, usize),
    Fence(Cpu),
    Locked(Cpu),
}

const BYTES: usize = 3 * LINE;
/// Where they begin in memory.
const FIRST: usize = LINE;

fn event() -> impl Strategy<Value = Event> {
    let how = prop_oneof![Just(Store::Cached), Just(Store::Streaming)];
    let data = proptest::collection::vec(1..4u8, 1..17);
    let cpu = || 0..2 as Cpu;
    prop_oneof![
        4 => (cpu(), 0..BYTES - 16, data, how)
            .prop_map(|(cpu, at, data, how)| Event::Store(cpu, at, data, how)),
        3 => (cpu(), 0..BYTES).prop_map(|(cpu, at)| Event::WriteBack(cpu, at)),
        2 => cpu().prop_map(Event::Fence),
        1 => cpu().prop_map(Event::Locked),
    ]
}

fn memory(events: &[Event]) -> Memory {
    // the first byte of a block begins a series of stores to it, which the model does not know
    let mut memory = Memory::new(vec![0; FIRST + BYTES]);
    for event in events {
        match event {
            Event::Store(cpu, at, data, how) => memory.store(*cpu, FIRST + at, data, *how),
            Event::WriteBack(cpu, at) => memory.write_back(*cpu, FIRST + at),
            Event::Fence(cpu) => memory.fence(*cpu),
            Event::Locked(cpu) => memory.locked(*cpu),
        }
    }
    memory
}

/// The byte after the first `after` of these events.
fn value(events: &[Event], after: usize, byte: usize) -> u8 {
    let stored = |event: &Event| match event {
        Event::Store(_, at, data, _) => data.get(byte.wrapping_sub(*at)).copied(),
        _ => None,
    };
    events[..after].iter().rev().find_map(stored).unwrap_or(0)
}

/// The number of events whose effect on the byte is durable.
fn arrived(events: &[Event], byte: usize) -> usize {
    let by = |cpu: Cpu| {
        let fences =
            |event: &Event| matches!(event, Event::Fence(c) | Event::Locked(c) if *c == cpu);
        let sends = |event: &Event| match event {
            Event::Store(c, at, data, Store::Streaming) => {
                *c == cpu && (*at..at + data.len()).contains(&byte)
            }
            Event::WriteBack(c, at) => *c == cpu && at / LINE == byte / LINE,
            _ => false,
        };
        let last_fence = events.iter().rposition(fences);
        let before = &events[..last_fence.unwrap_or(0)];
        before.iter().rposition(sends).map_or(0, |n| n + 1)
    };
    by(0).max(by(1))
}

/// Every content that the line could have.
fn possible(events: &[Event], number: usize) -> BTreeSet<Vec<u8>> {
    let line = number * LINE..(number + 1) * LINE;
    let after = |n: usize| {
        let byte = |byte| value(events, n.max(arrived(events, byte)), byte);
        line.clone().map(byte).collect()
    };
    (0..=events.len()).map(after).collect()
}

proptest! {
    #[test]
    fn a_line_holds_what_the_model_says(events in proptest::collection::vec(event(), 0..30)) {
        let memory = memory(&events);
        for number in 0..BYTES / LINE {
            let place = FIRST / LINE + number;
            let durable = content(memory.durable(), place);
            let open = memory.open.get(&place);
            let versions = open.map_or(&[][..], |line| &line.versions[..]);
            let contents = versions.iter().map(|version| version.content).chain([durable]);
            let contents = contents.map(|content| content.to_vec()).collect::<BTreeSet<_>>();
            prop_assert_eq!(contents, possible(&events, number));
        }
    }

    #[test]
    fn all_of_it_is_what_was_stored(events in proptest::collection::vec(event(), 0..30)) {
        let memory = memory(&events);
        let stored: Vec<u8> = (0..BYTES).map(|n| value(&events, events.len(), n)).collect();
        prop_assert_eq!(&memory.current()[FIRST..], &stored);
    }

    #[test]
    fn a_cut_leaves_what_is_possible(
        events in proptest::collection::vec(event(), 0..30),
        seed in any::<u64>(),
    ) {
        let memory = memory(&events);
        prop_assert!(memory.cut(Keep::Nothing).is_empty());
        let kept = memory.cut(Keep::Random { seed });
        prop_assert_eq!(&kept, &memory.cut(Keep::Random { seed }));
        for (at, left) in kept {
            prop_assert!(possible(&events, (at - FIRST) / LINE).contains(&left.to_vec()));
        }
    }
}

#[test]
fn of_many_versions_some_are_forgotten_and_none_is_wrong() {
    let mut memory = Memory::new(vec![0; LINE]);
    for n in 0..200 {
        memory.store(0, n % LINE, &[n as u8 + 1], Store::Cached);
        if n == 150 {
            memory.write_back(0, 0);
        }
    }
    assert!(memory.open[&0].versions.len() <= VERSIONS);
    memory.fence(0);
    assert_eq!(memory.durable()[150 % LINE], 151);
    for version in &memory.open[&0].versions {
        assert_eq!(version.content[150 % LINE], 151);
        assert!(version.content.iter().any(|byte| *byte > 151));
    }
}

/// Writes a block past the cache, as the driver does.
fn write_block(memory: &mut Memory, block: usize, value: u8, len: usize) {
    for at in (0..len).step_by(8) {
        memory.store(0, block * BLOCK + at, &[value; 8], Store::Streaming);
    }
}

fn image(memory: &Memory, keep: Keep) -> Vec<u8> {
    let mut image = memory.durable().to_vec();
    for (at, left) in memory.cut(keep) {
        image[at..at + LINE].copy_from_slice(&left);
    }
    image
}

#[test]
fn a_block_that_is_written_whole_is_old_or_new() {
    let mut memory = Memory::new(vec![0; 3 * BLOCK]);
    write_block(&mut memory, 0, 1, BLOCK);
    write_block(&mut memory, 0, 2, BLOCK);
    write_block(&mut memory, 1, 3, BLOCK - 8);
    let mut found = BTreeSet::new();
    for seed in 0..100 {
        let image = image(&memory, Keep::Random { seed });
        assert!(image[..BLOCK].iter().all(|byte| *byte == image[0]));
        found.insert(image[0]);
        // an incomplete block is still old
        assert!(image[BLOCK..].iter().all(|byte| *byte == 0));
    }
    assert_eq!(found, BTreeSet::from([0, 1, 2]));
    assert!(image(&memory, Keep::Everything)[BLOCK..]
        .iter()
        .all(|byte| *byte == 0));

    memory.store(0, 2 * BLOCK - 8, &[3; 8], Store::Streaming);
    assert_eq!(image(&memory, Keep::Everything), memory.current());
    memory.fence(0);
    assert_eq!(memory.open(), 0);
    assert_eq!(memory.durable()[BLOCK..2 * BLOCK], [3; BLOCK]);
}

#[test]
fn a_part_of_a_block_is_old_or_new_by_lines() {
    let mut memory = Memory::new(vec![0; BLOCK]);
    write_block(&mut memory, 0, 1, BLOCK / 2);
    // this store does not continue the block
    memory.store(0, BLOCK - 8, &[1; 8], Store::Streaming);
    let torn = |seed| {
        let image = image(&memory, Keep::Random { seed });
        (0..BLOCK / 2).any(|at| image[at] != image[0])
    };
    assert!((0..10).any(torn));
    memory.fence(0);
    assert_eq!(memory.durable()[..BLOCK / 2], [1; BLOCK / 2]);
}

#[test]
fn a_locked_instruction_does_not_tear_a_block() {
    let mut memory = Memory::new(vec![0; 2 * BLOCK]);
    write_block(&mut memory, 0, 1, BLOCK / 2);
    memory.store(0, BLOCK, &[5; 8], Store::Cached);
    memory.write_back(0, BLOCK);
    memory.locked(0);
    assert_eq!(memory.durable()[0], 0);
    assert_eq!(memory.durable()[BLOCK], 5);
    for at in (BLOCK / 2..BLOCK).step_by(8) {
        memory.store(0, at, &[1; 8], Store::Streaming);
    }
    memory.locked(1);
    assert_eq!(memory.durable()[0], 0);
    memory.locked(0);
    assert_eq!(memory.durable()[..BLOCK], [1; BLOCK]);
}

#[test]
fn an_earlier_write_back_does_not_come_later() {
    let mut memory = Memory::new(vec![0; LINE]);
    memory.store(0, 0, &[1; 8], Store::Cached);
    memory.write_back(0, 0);
    memory.store(1, 0, &[2; 8], Store::Cached);
    memory.write_back(1, 0);
    memory.fence(1);
    assert_eq!(memory.durable()[0], 2);
    memory.fence(0);
    assert_eq!(memory.durable()[0], 2);
}
