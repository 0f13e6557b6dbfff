// SPDX-License-Identifier: GPL-2.0

//! Simulates power cuts: runs random operations on a filesystem while the checker records its
//! memory. Then it makes images that power cuts could have left, and recovers, reads and checks
//! each.

mod directed;
mod disk;
mod elsewhere;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use fastrand::Rng;
use persist::images::{self, Cut, Keep};
use persist::workload::{Done, Workload};
use rustix::thread::{sched_setaffinity, CpuSet};

use disk::Disk;
use elsewhere::Elsewhere;

const USAGE: &str = "usage: persist-crash ext4|xfs SEED OPERATIONS IMAGES [MOUNT-OPTIONS]
       persist-crash xfs shared          stores with MAP_SYNC to shared blocks
       persist-crash recover ext4|xfs DISK
                                         mount an image in another kernel, list its files, check it
/dev/pmem0 has a fresh filesystem; /dev/pmem1, of the same size, becomes the images. KEEP in the
environment names disks that each get an image for another kernel, NOTES a directory for the lists.
Exit status: 0 all images are as they have to be, 1 some are not, 2 all else.";
/// How many failed images are kept.
const KEPT: usize = 3;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let result = match (&words[..], Test::parse(&words)) {
        (["recover", filesystem, name], _) => recover(filesystem, name),
        (_, Some(test)) => test.run(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Recovers an image and prints the list of its files. Returns the number of errors.
fn recover(filesystem: &str, name: &str) -> io::Result<usize> {
    let disk = Disk {
        name,
        filesystem,
        dir: "/mnt/image",
    };
    match disk.recover() {
        Ok((found, _)) => {
            print!("{filesystem}\n{}", elsewhere::listing(&found));
            Ok(0)
        }
        Err(why) => {
            println!("{why}");
            Ok(1)
        }
    }
}

/// What happens before the power cuts.
#[derive(Clone, Copy)]
enum Work {
    /// Random operations, and that many images.
    Random {
        seed: u64,
        operations: usize,
        images: usize,
    },
    /// [`directed::shared_blocks`], and two images for each sync.
    Shared,
}

struct Test<'a> {
    filesystem: &'a str,
    work: Work,
    /// The options of the recorded mount.
    options: &'a str,
}

/// Continues on that CPU: in a guest with several, one CPU then syncs what another one stored.
fn run_on(cpu: usize) -> io::Result<()> {
    let mut cpus = CpuSet::new();
    cpus.set(cpu);
    Ok(sched_setaffinity(None, &cpus)?)
}

fn no_answer(why: persist::NoAnswer) -> io::Error {
    io::Error::other(format!(
        "the checker refuses: {why:?}; see its report for the reason"
    ))
}

impl<'a> Test<'a> {
    fn parse(words: &[&'a str]) -> Option<Self> {
        let (filesystem, work, options) = match *words {
            ["xfs", "shared"] => ("xfs", Work::Shared, ""),
            [filesystem @ ("ext4" | "xfs"), seed, operations, images, ref options @ ..] => {
                let work = Work::Random {
                    seed: seed.parse().ok()?,
                    operations: operations.parse().ok()?,
                    images: images.parse().ok()?,
                };
                match *options {
                    [] => (filesystem, work, ""),
                    [options] => (filesystem, work, options),
                    _ => return None,
                }
            }
            _ => return None,
        };
        Some(Self {
            filesystem,
            work,
            options,
        })
    }

    fn seed(&self) -> u64 {
        match self.work {
            Work::Random { seed, .. } => seed,
            Work::Shared => 0,
        }
    }

    /// Returns the number of images that lack synced data or are inconsistent.
    fn run(&self) -> io::Result<usize> {
        let work = Disk {
            name: "pmem0",
            filesystem: self.filesystem,
            dir: "/mnt/crash",
        };
        let (start, len) = work.memory()?;
        let image = Disk {
            name: "pmem1",
            filesystem: self.filesystem,
            dir: "/mnt/image",
        };
        let (to, space) = image.memory()?;
        if space != len {
            return Err(io::Error::other("pmem0 and pmem1 are not of the same size"));
        }
        images::watch(true).map_err(no_answer)?;
        images::begin(start, len).map_err(no_answer)?;
        let recorded = self.record(&work);
        let unseen = images::end().map_err(no_answer)?;
        images::watch(false).map_err(no_answer)?;
        let workload = recorded?;
        if unseen != 0 {
            let why = format!("{unseen} lines have content that the checker did not see stored");
            return Err(io::Error::other(why));
        }
        self.check(&workload, &image, to)
    }

    fn record(&self, disk: &Disk<'_>) -> io::Result<Workload<'static>> {
        disk.mount(self.options)?;
        let shares = self.filesystem == "xfs";
        let clock = || images::now().map_err(no_answer);
        let mut workload = Workload::new(Path::new("/mnt/crash"), shares, self.seed(), clock);
        let cpus = std::thread::available_parallelism()?.get();
        let result = match self.work {
            Work::Random { operations, .. } => (0..operations).try_for_each(|number| {
                run_on(number % cpus)?;
                workload.step()
            }),
            Work::Shared => directed::shared_blocks(&mut workload),
        };
        disk.unmount()?;
        result.map(|()| workload)
    }

    fn check(&self, workload: &Workload<'_>, disk: &Disk<'_>, to: u64) -> io::Result<usize> {
        let (mut failed, mut replayed, mut open) = (0, 0, 0);
        let cuts = self.cuts(&workload.done);
        let elsewhere = Elsewhere::asked();
        for (number, cut) in cuts.iter().copied().enumerate() {
            open += images::build(cut, to).map_err(no_answer)?;
            let judged = disk.recover().and_then(|(found, replay)| {
                replayed += usize::from(replay);
                workload.tree.judge(cut.after, &found).map(|()| found)
            });
            if let Ok(found) = &judged {
                elsewhere.keep((number, cuts.len()), cut, self.filesystem, found)?;
            }
            if let Err(why) = judged {
                failed += 1;
                println!(
                    "image {number}: {cut:?}, {}: {why}",
                    place(&workload.done, cut.after)
                );
                if failed == 1 {
                    tell(&workload.done, cut.after, &why);
                }
                if failed <= KEPT {
                    let number = images::save(cut).map_err(no_answer)?;
                    println!("it is kept as report-image-{number}");
                }
            }
        }
        let ended = workload.done.last().map_or(0, |done| done.ended);
        println!(
            "{}, seed {}: {} operations, {ended} events; {} images, {} lines open in each, \
             {replayed} logs replayed, {failed} failed",
            self.filesystem,
            self.seed(),
            workload.done.len(),
            cuts.len(),
            open / cuts.len().max(1) as u64,
        );
        if replayed * 2 < cuts.len() {
            return Err(io::Error::other(
                "most logs were empty: these images test little",
            ));
        }
        Ok(failed)
    }

    /// The cuts, the earliest first.
    fn cuts(&self, done: &[Done]) -> Vec<Cut> {
        match self.work {
            Work::Random { seed, images, .. } => random_cuts(seed, images, done),
            Work::Shared => cuts_at_syncs(done),
        }
    }
}

/// Just after each sync, with nothing that is not durable, and with everything.
fn cuts_at_syncs(done: &[Done]) -> Vec<Cut> {
    let cut = |sync: &Done| {
        let after = sync.ended;
        [Keep::Nothing, Keep::Everything].map(|keep| Cut { after, keep })
    };
    done.iter()
        .filter(|done| done.syncs)
        .flat_map(cut)
        .collect()
}

/// Just after a sync, within an operation, or anywhere.
fn random_cuts(seed: u64, images: usize, done: &[Done]) -> Vec<Cut> {
    let mut random = Rng::with_seed(seed ^ 0x6375_7473);
    let syncs: Vec<_> = done.iter().filter(|done| done.syncs).collect();
    let last = done.last().map_or(0, |done| done.ended);
    let mut cut = || {
        let at_sync = random.choice(&syncs).filter(|_| random.u32(..100) < 40);
        let after = match (at_sync, random.choice(done)) {
            (Some(sync), _) => sync.ended,
            (None, Some(done)) if random.bool() => random.u64(done.begun..=done.ended),
            _ => random.u64(..=last),
        };
        let keep = match random.u32(..10) {
            0 => Keep::Everything,
            1..5 => Keep::Nothing,
            _ => Keep::Random {
                seed: random.u64(..),
            },
        };
        Cut { after, keep }
    };
    let mut cuts: Vec<_> = (0..images).map(|_| cut()).collect();
    cuts.sort_by_key(|cut| cut.after);
    cuts
}

/// Prints the operations on the file that `why` names, if it names one.
fn tell(done: &[Done], until: u64, why: &str) {
    let name = why.split(':').next();
    let about = |done: &&Done| done.what.split([':', ' ']).any(|word| Some(word) == name);
    for done in done
        .iter()
        .filter(about)
        .take_while(|done| done.begun < until)
    {
        println!("events {} to {}: {}", done.begun, done.ended, done.what);
    }
}

/// The operation at that time.
fn place(done: &[Done], after: u64) -> String {
    let number = done.partition_point(|done| done.ended <= after);
    match done.get(number) {
        Some(Done { what, begun, .. }) if *begun < after => {
            format!("in operation {number}, {what}")
        }
        _ => format!("after {number} operations"),
    }
}
