// SPDX-License-Identifier: GPL-2.0

//! A test as a list of steps, one a line, from standard input.
//!
//! Files and mappings have names and live until the end, so that a step finds the page tables as
//! earlier steps left them. The first step that fails its check ends the program.
//!
//! A line is a verb and words; `#` begins a comment. Sizes and places may have K, M, G and be sums
//! (2M+4K). SEED is the content: 0 is zeroes, any other number a pattern. Each place of a file has its own
//! part of the pattern; where content has moved, `@PLACE` says where it was.
//!
//! ```text
//! open F PATH [new] [ro] [direct]          close F
//! write|check F OFF LEN SEED [@PLACE] [nowait]     size F BYTES    sync F
//! falloc F alloc|keep|punch|zero|collapse|insert|unshare OFF LEN     truncate F BYTES
//! clone F OFF LEN TO OFF                   dedupe F OFF LEN TO OFF same|differs
//! verity F                                 enables fs-verity
//! notice F                                 a listener is told of reads and writes (fanotify)
//! noticed nothing|read|write|both          of what it was told since
//! guard F allow|deny                       a listener decides before accesses (FAN_PRE_ACCESS)
//! guarded OFF:LEN...                       about what it was asked since
//! cachestat F OFF LEN [any]                no page of a range is cached or evicted
//! map M F OFF LEN [private|sync] [ro] [shift BYTES]      unmap M
//! store|load M OFF LEN SEED [@PLACE]       msync M OFF LEN
//! dirty|touch M OFF LEN                    one byte of each page
//! advise M OFF LEN NAME                    protect M OFF LEN none|r|rw
//! move M LEN [shift BYTES]                 pages M OFF LEN KIND:COUNT...
//! watch M OFF LEN                          by userfaultfd, which remembers what is written
//! arm M OFF LEN                            write-protects it again (UFFDIO_WRITEPROTECT)
//! written M OFF LEN KIND:COUNT...          written and clean pages; write-protects the former again
//! splice P M OFF LEN                       drain P OFF LEN SEED       drop P
//! send F OFF LEN M START [short BYTES]     receive F OFF LEN M START
//! copyout|copyin M OFF LEN SEED
//! ring read|write F OFF LEN M START        fixed M OFF LEN
//! resident M OFF LEN COUNT                 mincore    mlock|munlock M OFF LEN
//! pagemap M OFF [present] [swapped] [file] [exclusive]   query M LEN
//! smaps M FIELD KIB    rollup FIELD KIB (at least)   flag|noflag M FLAG    numa M PAGES
//! remote M OFF LEN NAME                    advice to the parent
//! migrate M OFF NODE NODE|ERROR            bind M OFF LEN NODE
//! remap M OFF LEN FILE-OFF                 inspect|patch M OFF LEN SEED   /proc/self/mem
//! debug M OFF SEED                         a word of a child, by ptrace
//! wait M OFF    wake M OFF COUNT           a futex
//! core M OFF SEED FILTER in|out            whether a core dump has that page
//! unlink PATH    sleep MS    shell COMMAND...
//! fails ERROR[|ERROR] STEP                 the step must fail in this way
//! nth N ERROR[|ERROR] STEP                 its Nth allocation fails; if it has one, the step may end
//!                                          early or with this error
//! child STEP                               in a child
//! dies bus|segv STEP                       in a child that ends by this signal
//! broken M OFF STEP                        in a child: SIGBUS for failed memory of that page
//! killed MS STEP                           in a child that is killed after MS milliseconds
//! killing MS STEP                          the same, but the step may end earlier
//! signalled MS STEP                        in a child that handles a signal after MS milliseconds
//! major|minor STEP                         with major faults, or without
//! start T STEP                             in a thread
//! waiting T                                it has not ended     finish T   it succeeds
//! ```

mod files;
mod maps;
mod mm;
mod notices;
mod pins;
mod run;
mod writes;

use crate::ffi::notices::Notices;
use crate::ffi::view::View;
use crate::ffi::writes::Watch;
use crate::{parse_size, Args, Context, Result};
use run::{Begun, Failure, Step};
use std::collections::HashMap;
use std::fs::File;
use std::io::BufRead;
use std::sync::Arc;

/// The files, mappings, pipes and threads that steps have named.
pub struct Names {
    /// The directory of relative paths.
    dir: String,
    files: HashMap<String, Arc<File>>,
    maps: HashMap<String, Arc<View>>,
    pipes: HashMap<String, Arc<(File, File)>>,
    threads: HashMap<String, Begun>,
    /// What watches mappings for writes.
    watch: Option<Arc<Watch>>,
    /// What listens to a file, and what the guard of a file was asked.
    notices: Option<Arc<Notices>>,
    asked: Option<notices::Asked>,
}

impl Names {
    fn path(&self, path: &str) -> String {
        if path.starts_with('/') {
            path.into()
        } else {
            format!("{}/{path}", self.dir)
        }
    }

    fn file(&self, words: &mut Words<'_>) -> Result<Arc<File>> {
        let name = words.word("a file")?;
        self.files
            .get(name)
            .cloned()
            .ok_or(format!("no file {name}"))
    }

    fn map(&self, words: &mut Words<'_>) -> Result<Arc<View>> {
        let name = words.word("a mapping")?;
        self.maps
            .get(name)
            .cloned()
            .ok_or(format!("no mapping {name}"))
    }
}

/// The remaining words of a line.
#[derive(Clone)]
pub struct Words<'a>(std::iter::Peekable<std::str::SplitWhitespace<'a>>);

impl<'a> Words<'a> {
    fn new(line: &'a str) -> Self {
        Self(line.split_whitespace().peekable())
    }

    fn word(&mut self, what: &str) -> Result<&'a str> {
        self.0.next().ok_or(format!("{what} is missing"))
    }

    fn size(&mut self, what: &str) -> Result<u64> {
        parse_size(self.word(what)?).of(what)
    }

    /// Takes the next word if it is `word`.
    fn flag(&mut self, word: &str) -> bool {
        self.0.next_if(|next| *next == word).is_some()
    }

    fn range(&mut self) -> Result<(u64, usize)> {
        Ok((self.size("an offset")?, self.size("a length")? as usize))
    }

    /// Parses SEED and `@PLACE`; without `@PLACE`, the place is `off`.
    fn content(&mut self, off: u64) -> Result<Content> {
        let seed = self.size("a seed")?;
        let moved = self.0.next_if(|next| next.starts_with('@'));
        let place = match moved {
            Some(place) => parse_size(&place[1..]).of("a place")?,
            None => off,
        };
        Ok(Content { seed, place })
    }

    fn rest(self) -> Vec<&'a str> {
        self.0.collect()
    }

    fn end(mut self) -> Result {
        match self.0.next() {
            None => Ok(()),
            Some(word) => Err(format!("unexpected word {word}")),
        }
    }
}

/// The content of a range: the pattern of a seed at a place.
#[derive(Clone, Copy)]
pub struct Content {
    seed: u64,
    place: u64,
}

/// The number of bytes that are compared or stored at a time.
const CHUNK: usize = 256 << 10;

impl Content {
    fn fill(&self, at: usize, buf: &mut [u8]) {
        match self.seed {
            0 => buf.fill(0),
            seed => crate::data::pattern(seed, self.place + at as u64, buf),
        }
    }

    fn compare(&self, at: usize, got: &[u8]) -> Result {
        let mut want = vec![0; got.len()];
        self.fill(at, &mut want);
        crate::data::compare("content", at as u64, got, &want)
    }

    /// The pieces of `len` bytes, as pairs of offset and length.
    fn pieces(len: usize) -> impl Iterator<Item = (usize, usize)> {
        (0..len)
            .step_by(CHUNK)
            .map(move |at| (at, CHUNK.min(len - at)))
    }
}

/// Fails if a transfer is incomplete.
fn whole(done: std::io::Result<usize>, len: usize) -> std::result::Result<(), Failure> {
    match done? {
        n if n == len => Ok(()),
        n => Err(Failure::Short(n, len)),
    }
}

/// Parses a step. A step that names or drops something runs at once; any other step is returned,
/// and the words before it say where and when it runs.
fn understand(names: &mut Names, mut words: Words<'_>) -> std::result::Result<Step, Failure> {
    let verb = words.word("a verb")?;
    for part in [
        files::step,
        maps::step,
        pins::step,
        mm::step,
        notices::step,
        writes::step,
        run::step,
    ] {
        if let Some(step) = part(names, verb, words.clone())? {
            return Ok(step);
        }
    }
    Err(Failure::Wrong(format!("{verb}: no such verb")))
}

pub fn run(args: &Args) -> Result {
    let mut names = Names {
        dir: args.word(0)?.into(),
        files: HashMap::new(),
        maps: HashMap::new(),
        pipes: HashMap::new(),
        threads: HashMap::new(),
        watch: None,
        notices: None,
        asked: None,
    };
    // Read all lines before the first step runs, because its command may read standard input too.
    let lines: std::io::Result<Vec<String>> = std::io::stdin().lock().lines().collect();
    for (number, line) in lines.of("standard input")?.iter().enumerate() {
        let text = line.split('#').next().unwrap_or("").trim();
        if text.is_empty() {
            continue;
        }
        understand(&mut names, Words::new(text))
            .and_then(|step| step())
            .map_err(|e| format!("line {}, {text}: {e}", number + 1))?;
    }
    match names.threads.keys().next() {
        Some(left) => Err(format!("thread {left} was never waited for")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_sums() {
        let mut words = Words::new("2M+4K 8K+1 5 @4M+4K+512 9");
        assert_eq!(words.range(), Ok(((2 << 20) + 4096, 8193)));
        let content = words.content(0).unwrap();
        assert_eq!((content.seed, content.place), (5, (4 << 20) + 4608));
        assert_eq!(words.content(4096).map(|content| content.place), Ok(4096));
        assert_eq!(words.end(), Ok(()));
    }

    #[test]
    fn a_place_that_is_no_sum_is_named() {
        let error = Words::new("1 @4K+x").content(0).err();
        assert_eq!(error.as_deref(), Some("a place: 4K+x: not a number"));
    }
}
