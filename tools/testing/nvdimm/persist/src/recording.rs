// SPDX-License-Identifier: GPL-2.0

//! Recordings of all events of a range of memory, so that a power cut can be put anywhere in them.

use crate::content::{Memory, LINE};
use crate::lines::{Cpu, Store};

#[derive(Clone, Copy, PartialEq)]
enum Event {
    Store {
        cpu: u8,
        at: u32,
        len: u8,
        streaming: bool,
    },
    WriteBack {
        cpu: u8,
        at: u32,
    },
    Fence {
        cpu: u8,
    },
    /// A locked instruction.
    Locked {
        cpu: u8,
    },
}

/// The first content of a range of memory, and the events since.
pub struct Recording {
    first: Vec<u8>,
    events: Vec<Event>,
    /// The bytes of all stores, one after the other.
    data: Vec<u8>,
    /// A bit for each CPU that has sent something to memory since its last fence.
    sent: u64,
}

impl Recording {
    /// Begins with this content of memory, all of which counts as durable.
    pub fn new(first: Vec<u8>) -> Result<Self, &'static str> {
        if first.is_empty() || first.len() % LINE != 0 || u32::try_from(first.len()).is_err() {
            return Err("only a range of whole lines, of less than 4 GiB, can be recorded");
        }
        Ok(Self {
            first,
            events: Vec::new(),
            data: Vec::new(),
            sent: 0,
        })
    }

    /// The number of bytes of the range.
    pub fn size(&self) -> usize {
        self.first.len()
    }

    pub fn store(&mut self, cpu: Cpu, at: usize, data: &[u8], how: Store) {
        self.events.push(Event::Store {
            cpu: cpu as u8,
            at: at as u32,
            len: data.len() as u8,
            streaming: how == Store::Streaming,
        });
        self.data.extend_from_slice(data);
        if how == Store::Streaming {
            self.sent |= 1 << cpu;
        }
    }

    pub fn write_back(&mut self, cpu: Cpu, at: usize) {
        self.events.push(Event::WriteBack {
            cpu: cpu as u8,
            at: at as u32,
        });
        self.sent |= 1 << cpu;
    }

    pub fn fence(&mut self, cpu: Cpu) {
        self.order(cpu, Event::Fence { cpu: cpu as u8 });
        self.sent &= !(1 << cpu);
    }

    /// Records a locked instruction, which is a fence that leaves blocks whole.
    pub fn locked(&mut self, cpu: Cpu) {
        self.order(cpu, Event::Locked { cpu: cpu as u8 });
    }

    /// Records a fence, unless it has no effect: the CPU has sent nothing since the last one.
    fn order(&mut self, cpu: Cpu, event: Event) {
        if self.sent & (1 << cpu) != 0 && self.events.last() != Some(&event) {
            self.events.push(event);
        }
    }

    /// The number of events so far.
    pub fn now(&self) -> usize {
        self.events.len()
    }
}

/// Replays a recording up to an event.
pub struct Player {
    pub memory: Memory,
    event: usize,
    data: usize,
}

impl Player {
    pub fn new(recording: &Recording) -> Self {
        Self {
            memory: Memory::new(recording.first.clone()),
            event: 0,
            data: 0,
        }
    }

    /// Replays the events before number `until`; starts again if it is past that event.
    pub fn play(&mut self, recording: &Recording, until: usize) {
        if until < self.event {
            *self = Self::new(recording);
        }
        for event in &recording.events[self.event..until] {
            match *event {
                Event::Store {
                    cpu,
                    at,
                    len,
                    streaming,
                } => {
                    let how = if streaming {
                        Store::Streaming
                    } else {
                        Store::Cached
                    };
                    let data = &recording.data[self.data..][..usize::from(len)];
                    self.memory.store(cpu.into(), at as usize, data, how);
                    self.data += data.len();
                }
                Event::WriteBack { cpu, at } => self.memory.write_back(cpu.into(), at as usize),
                Event::Fence { cpu } => self.memory.fence(cpu.into()),
                Event::Locked { cpu } => self.memory.locked(cpu.into()),
            }
        }
        self.event = until;
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::content::Keep;

    #[test]
    fn played_to_any_event_it_is_what_happened() {
        let mut recording = Recording::new(vec![0; 2 * LINE]).unwrap();
        recording.store(0, 60, &[1; 8], Store::Cached);
        recording.write_back(0, 60);
        recording.write_back(0, 64);
        recording.fence(0);
        recording.fence(0);
        recording.store(0, 4, &[2; 4], Store::Streaming);
        assert_eq!(recording.now(), 5);

        let mut player = Player::new(&recording);
        let mut durable = |until| {
            player.play(&recording, until);
            let memory = &player.memory;
            (memory.durable()[60], memory.durable()[64], memory.open())
        };
        assert_eq!(durable(3), (0, 0, 2));
        assert_eq!(durable(4), (1, 1, 0));
        assert_eq!(durable(5), (1, 1, 1));
        assert_eq!(durable(1), (0, 0, 2));
        player.play(&recording, 5);
        assert_eq!(
            player.memory.cut(Keep::Everything)[0].1[..8],
            [0, 0, 0, 0, 2, 2, 2, 2]
        );
    }

    #[test]
    fn what_cannot_be_recorded_is_refused() {
        assert!(Recording::new(vec![]).is_err());
        assert!(Recording::new(vec![0; 100]).is_err());
    }
}
