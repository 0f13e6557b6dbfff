// SPDX-License-Identifier: GPL-2.0

//! Makes data durable in every way, and asks the checker whether it is durable, or what that costs.

mod count;
mod scenarios;
mod symbols;

use std::path::Path;
use std::process::ExitCode;

use persist::{memory, view};

use scenarios::{Failed, Place, Scenario, GROUPS};

const USAGE: &str =
    "usage: persist-scenarios list GROUP      a line for each scenario of dax, any or device
       persist-scenarios run GROUP N DIR|DEVICE
                                         run the scenario of line N there; NOTE in the
                                         environment is added to its name
       persist-scenarios run GROUP N DIR|DEVICE --without clwb|fence
                                         leave out what the program itself must do
       persist-scenarios run GROUP N DIR|DEVICE --without-fences
                                         the checker takes no notice of any fence
       persist-scenarios watch DIR       the memory of that region, in sysfs, is persistent too
       persist-scenarios count LABEL DIR|DEVICE
                                         do each operation many times; the report says what it costs
Exit status: 0 all is durable, 1 it is not, 3 not possible there, 2 all else.";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["list", of] => match group(of) {
            Some(scenarios) => scenarios.iter().for_each(|(name, _)| println!("{name}")),
            None => return failure(2, USAGE),
        },
        ["run", group, number, path] => return run(group, number, &Place { path, without: "" }),
        ["run", group, number, path, "--without", without @ ("clwb" | "fence")] => {
            return run(group, number, &Place { path, without });
        }
        ["run", group, number, path, "--without-fences"] => {
            let place = Place { path, without: "" };
            return persist::without_fences(|| run(group, number, &place)).unwrap_or_else(nobody);
        }
        ["watch", dir] => return watch(dir),
        ["count", label, path] => return count(label, Path::new(path)),
        _ => return failure(2, USAGE),
    }
    ExitCode::SUCCESS
}

fn group(name: &str) -> Option<&'static [Scenario]> {
    let group = GROUPS.into_iter().find(|(other, _)| *other == name);
    group.map(|(_, scenarios)| scenarios)
}

fn run(of: &str, number: &str, place: &Place<'_>) -> ExitCode {
    let number = number.parse().ok().and_then(|n: usize| n.checked_sub(1));
    let scenario = number.and_then(|n| group(of)?.get(n));
    let Some((name, scenario)) = scenario else {
        return failure(2, "there is no such scenario");
    };
    let note = std::env::var("NOTE").map_or(String::new(), |note| format!(" ({note})"));
    if let Err(why) = persist::begin(&format!("{}: {name}{note}", place.path)) {
        return nobody(why);
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

fn watch(dir: &str) -> ExitCode {
    match memory::described(Path::new(dir)) {
        Ok((start, len)) => persist::watch(start, len).map_or_else(nobody, |()| ExitCode::SUCCESS),
        Err(error) => failure(2, &error.to_string()),
    }
}

fn nobody(_: persist::NoAnswer) -> ExitCode {
    failure(2, "no checker watches this machine, so it cannot answer")
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
