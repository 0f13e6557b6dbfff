// SPDX-License-Identifier: GPL-2.0

//! daxfuzz: runs random programs of operations on DAX files by several threads, with poison and
//! removal of the device, and compares every byte with a model. It shrinks programs that fail.

mod ffi;
mod generate;
mod machine;
mod operate;
mod plan;
mod program;
mod shadow;
mod shrink;
mod world;

use generate::{generate, Allowed};
use program::{Fs, Program};
use std::collections::HashMap;
use std::process::{Command, ExitCode};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use world::World;

type Result<T = ()> = std::result::Result<T, String>;

const USAGE: &str = "usage: daxfuzz COMMAND [--key value...]
  run --fs ext4|xfs --dir DIR --disk NAME [--seed N] [--ops N] [--count N] [--poison 0] [--unbind 0]
      [--patience SECS]  programs of the seeds N, N+1...; one that fails is printed, and a smaller one
  replay FILE --dir DIR --disk NAME [--times N]  runs the program in FILE
  make --fs ext4|xfs [--seed N] [--ops N] [--poison 0] [--unbind 0]  prints a program
  shrink FILE --with COMMAND [--budget N]  prints a smaller program for which COMMAND, which gets
      the name of a file, fails as well";

struct Args {
    words: Vec<String>,
    keys: HashMap<String, String>,
}

impl Args {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self> {
        let (mut words, mut keys) = (Vec::new(), HashMap::new());
        while let Some(arg) = args.next() {
            match arg.strip_prefix("--") {
                Some(key) => {
                    let value = args.next().ok_or(format!("--{key} needs a value"))?;
                    keys.insert(key.into(), value);
                }
                None => words.push(arg),
            }
        }
        Ok(Self { words, keys })
    }

    fn text(&self, key: &str) -> Result<&str> {
        let value = self.keys.get(key).ok_or(format!("--{key} is missing"))?;
        Ok(value)
    }

    fn number(&self, key: &str, default: u64) -> Result<u64> {
        match self.keys.get(key) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|e| format!("--{key} {text}: {e}")),
        }
    }

    fn file(&self) -> Result<Program> {
        let path = self.words.get(1).ok_or("a program is missing")?;
        let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
        text.parse()
    }

    fn make(&self, seed: u64) -> Result<Program> {
        let allowed = Allowed {
            poison: self.number("poison", 1)? != 0,
            unbind: self.number("unbind", 1)? != 0,
        };
        let ops = self.number("ops", 300)? as usize;
        Ok(generate(self.text("fs")?.parse()?, seed, ops, allowed))
    }

    fn world(&self, fs: Fs) -> Result<World> {
        World::new(fs, self.text("dir")?, self.text("disk")?)
    }
}

/// Ends the process if no operation ends for a long time: a thread hangs, and maybe cannot be
/// killed.
fn watch(patience: Duration) {
    std::thread::spawn(move || {
        let mut was = u64::MAX;
        loop {
            let is = operate::PROGRESS.load(Relaxed);
            if is == was {
                println!("no progress");
                std::process::exit(3);
            }
            was = is;
            std::thread::sleep(patience);
        }
    });
}

/// How often to try a smaller program, and one that depends on how threads interleave.
const BUDGET: usize = 200;
const TRIES: usize = 2;

/// Shrinks a program that has failed; returns a report of both.
fn report(world: &mut World, program: &Program, error: &str) -> String {
    println!("{error}");
    world.say(error);
    println!("# the program, {} operations", program.len());
    print!("{program}");
    if world.broken {
        return "this kernel is of no more use".into();
    }
    let mut last = error.to_string();
    let small = shrink::shrink(program, BUDGET, |candidate| {
        let mut tries = (0..TRIES).filter_map(|_| machine::run(world, candidate).err());
        let error = tries.next();
        last = error.clone().unwrap_or(std::mem::take(&mut last));
        error.is_some()
    });
    println!("# what is left of it, {} operations: {last}", small.len());
    print!("{small}");
    format!("a program of {} operations fails: {last}", small.len())
}

fn run(args: &Args) -> Result {
    let mut world = args.world(args.text("fs")?.parse()?)?;
    watch(Duration::from_secs(args.number("patience", 100)?));
    let first = args.number("seed", 1)?;
    for seed in first..first + args.number("count", 1)? {
        let program = args.make(seed)?;
        println!("seed {seed}, {} operations", program.len());
        world.say(&format!("{} seed {seed}", world.fs.name()));
        if let Err(error) = machine::run(&mut world, &program) {
            let error = report(&mut world, &program, &format!("seed {seed}: {error}"));
            return Err(format!("seed {seed}: {error}"));
        }
    }
    Ok(())
}

fn replay(args: &Args) -> Result {
    let program = args.file()?;
    let mut world = args.world(program.fs)?;
    watch(Duration::from_secs(args.number("patience", 100)?));
    (0..args.number("times", 1)?).try_for_each(|_| machine::run(&mut world, &program))
}

fn shrink_with(args: &Args) -> Result {
    let (program, command) = (args.file()?, args.text("with")?);
    let path = std::env::temp_dir().join(format!("daxfuzz.{}", std::process::id()));
    let budget = args.number("budget", 40)? as usize;
    let small = shrink::shrink(&program, budget, |candidate| {
        std::fs::write(&path, candidate.to_string()).is_ok()
            && Command::new(command)
                .arg(&path)
                .status()
                .is_ok_and(|status| !status.success())
    });
    let _ = std::fs::remove_file(path);
    print!("{small}");
    Ok(())
}

fn main() -> ExitCode {
    let args = ffi::survive_sigbus()
        .map_err(|error| format!("SIGBUS: {error}"))
        .and_then(|()| Args::parse(std::env::args().skip(1)));
    let done = args.and_then(|args| match args.words.first().map(String::as_str) {
        Some("run") => run(&args),
        Some("replay") => replay(&args),
        Some("make") => args.make(args.number("seed", 1)?).map(|p| print!("{p}")),
        Some("shrink") => shrink_with(&args),
        _ => Err(USAGE.into()),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("daxfuzz: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_keys_are_told_apart() {
        let line = "make --seed 7 program --fs xfs";
        let args = Args::parse(line.split(' ').map(String::from)).unwrap();
        assert_eq!(args.words, ["make", "program"]);
        assert_eq!(
            (args.number("seed", 1), args.number("ops", 5)),
            (Ok(7), Ok(5))
        );
        assert_eq!(
            (args.text("fs"), args.text("dir").is_err()),
            (Ok("xfs"), true)
        );
        assert!(Args::parse(["--seed".to_string()].into_iter()).is_err());
    }
}
