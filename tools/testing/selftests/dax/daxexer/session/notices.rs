// SPDX-License-Identifier: GPL-2.0

//! Steps that listen to a file by fanotify.

use super::run::{Failure, Step};
use super::{Names, Words};
use crate::ffi::notices::{Guard, Notices, FAN_ACCESS, FAN_MODIFY};
use std::fs::File;
use std::sync::{Arc, Mutex};

type Outcome = Result<(), Failure>;

/// The ranges that a guard was asked about.
pub type Asked = Arc<Mutex<Vec<String>>>;

/// Guards the file from a thread, which allows or denies each access until the process ends.
fn guard(file: &File, allow: bool) -> Result<Asked, Failure> {
    let (guard, asked) = (Guard::new(file)?, Asked::default());
    let ranges = asked.clone();
    std::thread::spawn(move || {
        let tell = |off, len| {
            let mut ranges = ranges.lock().expect("no thread panics");
            ranges.push(format!("{off}:{len}"));
        };
        loop {
            if let Err(error) = guard.answer(allow, tell) {
                eprintln!("fanotify: {error}");
                return;
            }
        }
    });
    Ok(asked)
}

/// Checks which kinds of events there were.
fn noticed(notices: &Notices, want: &str) -> Outcome {
    let got = match notices.take()? {
        0 => "nothing",
        FAN_ACCESS => "read",
        FAN_MODIFY => "write",
        _ => "both",
    };
    match got == want {
        true => Ok(()),
        false => Err(Failure::Wrong(format!("noticed {got}"))),
    }
}

fn guarded(asked: &Asked, want: &str) -> Outcome {
    let got = std::mem::take(&mut *asked.lock().expect("no thread panics")).join(" ");
    match got == want {
        true => Ok(()),
        false => Err(Failure::Wrong(format!(
            "the guard was asked about \"{got}\""
        ))),
    }
}

pub fn step(names: &mut Names, verb: &str, mut words: Words<'_>) -> Result<Option<Step>, Failure> {
    let step: Step = match verb {
        "notice" => {
            names.notices = Some(Arc::new(Notices::new(&*names.file(&mut words)?)?));
            Box::new(|| Ok(()))
        }
        "noticed" => {
            let notices = names.notices.clone().ok_or("nothing listens".to_string())?;
            let want = words.word("nothing, read, write or both")?.to_string();
            Box::new(move || noticed(&notices, &want))
        }
        "guard" => {
            let file = names.file(&mut words)?;
            let allow = match words.word("allow or deny")? {
                "allow" => true,
                "deny" => false,
                word => return Err(Failure::Wrong(format!("{word}: allow or deny"))),
            };
            names.asked = Some(guard(&file, allow)?);
            Box::new(|| Ok(()))
        }
        "guarded" => {
            let asked = names.asked.clone().ok_or("there is no guard".to_string())?;
            let want = words.clone().rest().join(" ");
            return Ok(Some(Box::new(move || guarded(&asked, &want))));
        }
        _ => return Ok(None),
    };
    words.end()?;
    Ok(Some(step))
}
