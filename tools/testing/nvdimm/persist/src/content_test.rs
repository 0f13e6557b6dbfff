// SPDX-License-Identifier: GPL-2.0

//! Compares the contents with a model that keeps all events and computes every possible content of
//! a line from them.

use std::collections::BTreeSet;

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Event {
    Store(usize, Vec<u8>, Store),
    WriteBack(usize),
    Fence,
}

const BYTES: usize = 3 * LINE;

fn event() -> impl Strategy<Value = Event> {
    let how = prop_oneof![Just(Store::Cached), Just(Store::Streaming)];
    let data = proptest::collection::vec(1..4u8, 1..17);
    prop_oneof![
        4 => (0..BYTES - 16, data, how).prop_map(|(at, data, how)| Event::Store(at, data, how)),
        3 => (0..BYTES).prop_map(Event::WriteBack),
        2 => Just(Event::Fence),
    ]
}

fn memory(events: &[Event]) -> Memory {
    let mut memory = Memory::new(vec![0; BYTES]);
    for event in events {
        match event {
            Event::Store(at, data, how) => memory.store(*at, data, *how),
            Event::WriteBack(at) => memory.write_back(*at),
            Event::Fence => memory.fence(),
        }
    }
    memory
}

/// The byte after the first `after` of these events.
fn value(events: &[Event], after: usize, byte: usize) -> u8 {
    let stored = |event: &Event| match event {
        Event::Store(at, data, _) => data.get(byte.wrapping_sub(*at)).copied(),
        _ => None,
    };
    events[..after].iter().rev().find_map(stored).unwrap_or(0)
}

/// The number of events whose effect on the byte is durable.
fn arrived(events: &[Event], byte: usize) -> usize {
    let last_fence = events.iter().rposition(|e| matches!(e, Event::Fence));
    let sends = |event: &Event| match event {
        Event::Store(at, data, Store::Streaming) => (*at..at + data.len()).contains(&byte),
        Event::WriteBack(at) => at / LINE == byte / LINE,
        _ => false,
    };
    let before = &events[..last_fence.unwrap_or(0)];
    before.iter().rposition(sends).map_or(0, |n| n + 1)
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
            let durable = content(memory.durable(), number);
            let open = memory.open.get(&number);
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
        prop_assert_eq!(memory.current(), stored);
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
            prop_assert!(possible(&events, at / LINE).contains(&left.to_vec()));
        }
    }
}

#[test]
fn of_many_versions_some_are_forgotten_and_none_is_wrong() {
    let mut memory = Memory::new(vec![0; LINE]);
    for n in 0..200 {
        memory.store(n % LINE, &[n as u8 + 1], Store::Cached);
        if n == 150 {
            memory.write_back(0);
        }
    }
    assert!(memory.open[&0].versions.len() <= VERSIONS);
    memory.fence();
    assert_eq!(memory.durable()[150 % LINE], 151);
    for version in &memory.open[&0].versions {
        assert_eq!(version.content[150 % LINE], 151);
        assert!(version.content.iter().any(|byte| *byte > 151));
    }
}

/// Writes a block past the cache, as the driver does.
fn write_block(memory: &mut Memory, block: usize, value: u8, len: usize) {
    for at in (0..len).step_by(8) {
        memory.store(block * BLOCK + at, &[value; 8], Store::Streaming);
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

    memory.store(2 * BLOCK - 8, &[3; 8], Store::Streaming);
    assert_eq!(image(&memory, Keep::Everything), memory.current());
    memory.fence();
    assert_eq!(memory.open(), 0);
    assert_eq!(memory.durable()[BLOCK..2 * BLOCK], [3; BLOCK]);
}

#[test]
fn a_part_of_a_block_is_old_or_new_by_lines() {
    let mut memory = Memory::new(vec![0; BLOCK]);
    write_block(&mut memory, 0, 1, BLOCK / 2);
    // this store does not continue the block
    memory.store(BLOCK - 8, &[1; 8], Store::Streaming);
    let torn = |seed| {
        let image = image(&memory, Keep::Random { seed });
        (0..BLOCK / 2).any(|at| image[at] != image[0])
    };
    assert!((0..10).any(torn));
    memory.fence();
    assert_eq!(memory.durable()[..BLOCK / 2], [1; BLOCK / 2]);
}
