// SPDX-License-Identifier: GPL-2.0

//! Compares the lines with a model that keeps all events and computes the state of each byte.

use super::*;
use proptest::prelude::*;

/// An event of a CPU; addresses are in bytes.
#[derive(Clone, Debug)]
enum Event {
    Store(Cpu, u64, u64, Store),
    WriteBack(Cpu, u64),
    Fence(Cpu),
}

const BYTES: u64 = 3 * LINE;
const PAGE: u64 = LINE * LINES_PER_PAGE;

fn event() -> impl Strategy<Value = Event> {
    let how = prop_oneof![Just(Store::Cached), Just(Store::Streaming)];
    prop_oneof![
        4 => (0..3u32, 0..BYTES, 1..33u64, how)
            .prop_map(|(cpu, at, len, how)| Event::Store(cpu, at, len.min(BYTES - at), how)),
        3 => (0..3u32, 0..BYTES).prop_map(|(cpu, at)| Event::WriteBack(cpu, at)),
        2 => (0..3u32).prop_map(Event::Fence),
    ]
}

fn fenced(after: &[Event], cpu: Cpu) -> bool {
    after
        .iter()
        .any(|event| matches!(event, Event::Fence(by) if *by == cpu))
}

/// The state of a byte, by its last store and the later events.
fn byte_state(events: &[Event], byte: u64) -> State {
    let stored = events.iter().rposition(
        |event| matches!(event, Event::Store(_, at, len, _) if (*at..at + len).contains(&byte)),
    );
    let Some(stored) = stored else {
        return State::Durable;
    };
    let after = &events[stored + 1..];
    let sent = |(n, event): (usize, &Event)| match event {
        Event::WriteBack(cpu, at) if at / LINE == byte / LINE => Some(fenced(&after[n..], *cpu)),
        _ => None,
    };
    let Event::Store(cpu, _, _, how) = events[stored] else {
        unreachable!()
    };
    match how {
        Store::Streaming if fenced(after, cpu) => State::Durable,
        Store::Streaming => State::Pending,
        Store::Cached => match after.iter().enumerate().filter_map(sent).max() {
            Some(true) => State::Durable,
            Some(false) => State::Pending,
            None => State::Dirty,
        },
    }
}

fn line_state(events: &[Event], number: u64) -> State {
    let bytes = number * LINE..(number + 1) * LINE;
    let states: Vec<_> = bytes.map(|byte| byte_state(events, byte)).collect();
    [State::Dirty, State::Pending]
        .into_iter()
        .find(|state| states.contains(state))
        .unwrap_or(State::Durable)
}

fn replay(events: &[Event]) -> Lines {
    let mut lines = Lines {
        changes: Some(Vec::new()),
        ..Lines::default()
    };
    for (n, event) in events.iter().enumerate() {
        apply(&mut lines, n, event);
    }
    lines
}

fn apply(lines: &mut Lines, n: usize, event: &Event) {
    match *event {
        Event::Store(cpu, at, len, how) => lines.store(at, len, how, cpu, n as u64),
        Event::WriteBack(cpu, at) => lines.write_back(at, cpu),
        Event::Fence(cpu) => lines.fence(cpu),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn as_the_model_says(events in prop::collection::vec(event(), 0..40)) {
        let found = replay(&events).check(0, BYTES);
        for number in 0..BYTES / LINE {
            let state = found.iter().find(|f| f.address == number * LINE).map(|f| f.state);
            prop_assert_eq!(state.unwrap_or(State::Durable), line_state(&events, number));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..Default::default() })]

    /// After each event, the last change of a line has the state that the model computes, and no
    /// change leads to the state that the line had before.
    #[test]
    fn changes_lead_to_what_the_model_says(events in prop::collection::vec(event(), 0..30)) {
        let mut lines = replay(&[]);
        let mut states = [State::Durable; (BYTES / LINE) as usize];
        for n in 0..events.len() {
            apply(&mut lines, n, &events[n]);
            for change in lines.changes.replace(Vec::new()).unwrap_or_default() {
                prop_assert_ne!(states[change.number as usize], change.state);
                states[change.number as usize] = change.state;
            }
            for number in 0..BYTES / LINE {
                prop_assert_eq!(states[number as usize], line_state(&events[..=n], number));
            }
        }
    }
}

#[test]
fn a_store_needs_a_write_back_and_a_fence() {
    let store = Event::Store(0, 8, 8, Store::Cached);
    let state = |events: &[Event]| replay(events).check(0, LINE).first().map(|f| f.state);
    assert_eq!(state(&[store.clone()]), Some(State::Dirty));
    assert_eq!(state(&[store.clone(), Event::Fence(0)]), Some(State::Dirty));
    assert_eq!(
        state(&[store.clone(), Event::WriteBack(0, 63)]),
        Some(State::Pending)
    );
    assert_eq!(
        state(&[store.clone(), Event::WriteBack(0, 0), Event::Fence(1)]),
        Some(State::Pending)
    );
    assert_eq!(
        state(&[store, Event::WriteBack(0, 0), Event::Fence(0)]),
        None
    );
}

#[test]
fn counts() {
    let lines = replay(&[
        Event::Store(0, 60, 8, Store::Cached),
        Event::Store(0, 128, 8, Store::Streaming),
        Event::WriteBack(0, 0),
        Event::WriteBack(0, 0),
        Event::Fence(0),
    ]);
    let expected = Counts {
        stored: 2,
        streamed: 1,
        written_back: 2,
        redundant: 1,
        fences: 1,
    };
    assert_eq!(lines.counts, expected);
    let left = lines.check(0, BYTES);
    assert_eq!(
        left,
        [Finding {
            address: 64,
            state: State::Dirty,
            origin: 0
        }]
    );
}

#[test]
fn what_was_stored_before_the_beginning_is_not_asked_about() {
    let mut lines = replay(&[]);
    let far = 3 * PAGE;
    lines.store(0, 8, Store::Cached, 0, 1);
    lines.begin();
    assert_eq!(lines.check_stored(0, 4 * PAGE), (0, vec![]));
    lines.store(60, 8, Store::Streaming, 0, 2);
    lines.store(far + 100, 1, Store::Cached, 0, 3);
    let finding = |address, state, origin| Finding {
        address,
        state,
        origin,
    };
    let (first, second) = (finding(0, State::Dirty, 2), finding(64, State::Pending, 2));
    let third = finding(far + 64, State::Dirty, 3);
    assert_eq!(
        lines.check_stored(0, 4 * PAGE),
        (3, vec![first, second, third])
    );
    assert_eq!(lines.check_stored(64, far), (1, vec![second]));
    lines.write_back(far + 64, 0);
    lines.fence(0);
    assert_eq!(lines.check_stored(0, 4 * PAGE), (3, vec![first]));
    assert_eq!(lines.counts.fences, 1);
}
