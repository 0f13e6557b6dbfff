// SPDX-License-Identifier: GPL-2.0

//! Does what makes data durable, in every way, and asks the checker whether it is, or what it costs.

mod count;
mod scenarios;
mod symbols;

use std::path::Path;
use std::process::ExitCode;

use persist::view;

use scenarios::{Failed, Place, SCENARIOS};

const USAGE: &str = "usage: persist-scenarios list            a line for each scenario
       persist-scenarios run N DIR       run the scenario of line N in a directory
       persist-scenarios run N DIR --without clwb|fence
                                         leave out what the program itself must do;
                                         NOTE in the environment is added to the name
       persist-scenarios count LABEL DIR|DEVICE
                                         do each operation many times; the report says what it costs
Exit status: 0 all is durable, 1 it is not, 3 not possible there, 2 all else.";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["list"] => SCENARIOS.iter().for_each(|(name, _)| println!("{name}")),
        ["run", number, dir] => return run(number, &Place { dir, without: "" }),
        ["run", number, dir, "--without", without @ ("clwb" | "fence")] => {
            return run(number, &Place { dir, without });
        }
        ["count", label, path] => return count(label, Path::new(path)),
        _ => return failure(2, USAGE),
    }
    ExitCode::SUCCESS
}

fn run(number: &str, place: &Place<'_>) -> ExitCode {
    let number = number.parse().ok().and_then(|n: usize| n.checked_sub(1));
    let Some((name, scenario)) = number.and_then(|n| SCENARIOS.get(n)) else {
        return failure(2, "there is no such scenario");
    };
    let note = std::env::var("NOTE").map_or(String::new(), |note| format!(" ({note})"));
    if persist::begin(&format!("{}: {name}{note}", place.dir)).is_err() {
        return failure(2, "nobody watches this machine: there is nobody to ask");
    }
    let outcome = scenario(place);
    if persist::end().is_err() {
        return failure(2, "the checker went away");
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::Lost(what)) => failure(1, &what),
        Err(Failed::Impossible) => failure(3, "not possible there"),
        Err(Failed::Error(why)) => failure(2, &why),
    }
}

fn count(label: &str, path: &Path) -> ExitCode {
    let counted = match path.is_dir() {
        true => count::filesystem(label, path),
        false => count::device(label, path),
    };
    counted.map_or_else(|why| failure(1, &why), |()| ExitCode::SUCCESS)
}

fn failure(status: u8, why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::from(status)
}
