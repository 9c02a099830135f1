//! Reads the lines of the followed file and of those that take its name.

use std::collections::VecDeque;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

use crate::change::Change;
use crate::checkpoint::{Checkpoint, name_of, sum};
use crate::follow::{Follow, StartAt};
use crate::generation::{Generation, Mark, Seen, head_of, inode_of};
use crate::line::Line;
use crate::rotation::{self, Sibling};

/// The number of bytes read at once.
const BLOCK: usize = 128 * 1024;
/// The number of files that are remembered. Only those matter whose last change is at the same time as that of the current file.
const REMEMBERED: usize = 16;

/// A piece of a followed file.
#[derive(Debug)]
pub(crate) enum Cut {
    /// A line, and the position behind it.
    Line(Line, Mark),
    /// The place at which reading begins: of the first file, or of another one after the file before was read to its end.
    Begin(Mark),
}

/// The state of the file after a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// There were lines.
    Lines,
    /// There is no further line now.
    Waits,
    /// As before, and no file has the name.
    Missing,
}

/// The reason why there is no next line.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The disk, or a file that is away: it may come back.
    Io(io::Error),
    /// Something that a repetition cannot repair, and the remedy.
    Fatal(String, String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The place up to which a followed file was read.
#[derive(Debug)]
pub(crate) struct Tail {
    follow: Follow,
    file: File,
    generation: Arc<Generation>,
    /// The last files that were read before.
    seen: VecDeque<Seen>,
    /// The bytes that were read and not cut into lines; the first of them is at `at` in the file.
    buffer: Vec<u8>,
    at: u64,
    /// The bytes of `buffer` that contain no line end.
    searched: usize,
}

impl Tail {
    /// Opens the file behind the checkpoint.
    pub(crate) fn open(follow: &Follow) -> Result<Self, Fault> {
        let checkpoint = match Checkpoint::load(&follow.checkpoint) {
            Ok(checkpoint) => checkpoint,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(Fault::Fatal(
                    format!("`{}` is not a checkpoint", follow.checkpoint.display()),
                    "restore it, or remove it to begin without one".to_owned(),
                ));
            }
            Err(error) => return Err(error.into()),
        };
        match checkpoint {
            None => {
                let file = File::open(&follow.path)?;
                let at = match follow.start {
                    StartAt::Beginning => 0,
                    StartAt::End => last_line_end(&file)?,
                };
                Self::at(follow, file, at, &[])
            }
            Some(checkpoint) => Self::behind(follow, &checkpoint),
        }
    }

    fn at(follow: &Follow, file: File, at: u64, earlier: &[Seen]) -> Result<Self, Fault> {
        let generation = Generation::new(&file.metadata()?, head_of(&file, at)?, earlier.to_vec());
        let seen = earlier.iter().copied().collect();
        Ok(Self { follow: follow.clone(), file, generation, seen, buffer: Vec::new(), at, searched: 0 })
    }

    fn behind(follow: &Follow, checkpoint: &Checkpoint) -> Result<Self, Fault> {
        let Checkpoint { offset: at, earlier, .. } = checkpoint;
        let (path, at) = (&follow.path, *at);
        if checkpoint.name != name_of(path) {
            return Err(Fault::Fatal(
                format!("the checkpoint `{}` belongs to `{}`", follow.checkpoint.display(), checkpoint.name),
                "name another file for the checkpoint".to_owned(),
            ));
        }
        // The source waits for a name that is missing.
        let now = File::open(path)?;
        if inode_of(&now)? == checkpoint.inode {
            return if is_it(&now, checkpoint)? {
                Self::at(follow, now, at, earlier)
            } else {
                let metadata = now.metadata()?;
                follow.report(&Change::Truncated { path: path.clone(), read: at, size: metadata.len() });
                let mut seen = earlier.iter().copied().collect();
                remember(&mut seen, Seen::of(&metadata));
                Self::at(follow, now, 0, seen.make_contiguous())
            };
        }
        let renamed = rotation::find(path, checkpoint.inode)?.map(File::open).transpose()?;
        match renamed {
            Some(file) if is_it(&file, checkpoint)? => Self::at(follow, file, at, earlier),
            Some(_) | None => Err(Fault::Fatal(
                format!(
                    "the checkpoint `{}` is at byte {at} of a file that is no longer in `{}`",
                    follow.checkpoint.display(),
                    follow.folder().display()
                ),
                "bring the file back, or remove the checkpoint to begin with the one that has the name now"
                    .to_owned(),
            )),
        }
    }

    /// Returns the place up to which lines were cut.
    pub(crate) fn mark(&self) -> Mark {
        Mark { generation: Arc::clone(&self.generation), offset: self.at }
    }

    /// Cuts at most `most` lines.
    pub(crate) fn read(&mut self, most: usize, cuts: &mut Vec<Cut>) -> Result<Status, Fault> {
        loop {
            if self.cut(most, cuts)? {
                return Ok(Status::Lines);
            }
            if self.fill(cuts)? {
                continue;
            }
            if let Some(status) = self.look_around(cuts)? {
                return Ok(status);
            }
        }
    }

    /// Cuts lines out of the buffer; returns whether there were any.
    fn cut(&mut self, most: usize, cuts: &mut Vec<Cut>) -> Result<bool, Fault> {
        let (mut start, mut count) = (0, 0);
        while count < most
            && let Some(end) = memchr::memchr(b'\n', &self.buffer[start.max(self.searched)..])
        {
            let end = start.max(self.searched) + end;
            self.check(start, end)?;
            cuts.push(self.line(start, end, end + 1));
            (start, count) = (end + 1, count + 1);
        }
        self.buffer.drain(..start);
        self.at += start as u64;
        self.searched = if count < most { self.buffer.len() } else { 0 };
        if count == 0 {
            self.check(0, self.buffer.len())?;
        }
        Ok(count > 0)
    }

    fn line(&self, start: usize, end: usize, next: usize) -> Cut {
        let text = &self.buffer[start..end];
        let text = if next > end { text.strip_suffix(b"\r").unwrap_or(text) } else { text };
        let line = Line { bytes: text.into(), offset: self.at + start as u64, file: self.generation.id };
        Cut::Line(line, Mark { generation: Arc::clone(&self.generation), offset: self.at + next as u64 })
    }

    fn check(&self, start: usize, end: usize) -> Result<(), Fault> {
        let most = self.follow.max_line;
        if end - start <= most {
            return Ok(());
        }
        Err(Fault::Fatal(
            format!("the line at byte {} has more than {most} bytes", self.at + start as u64),
            "allow longer ones by `max_line_bytes`".to_owned(),
        ))
    }

    /// Reads the next block; returns whether there was more.
    fn fill(&mut self, cuts: &mut Vec<Cut>) -> Result<bool, Fault> {
        let end = self.at + self.buffer.len() as u64;
        let metadata = self.file.metadata()?;
        let size = metadata.len();
        if size == end {
            return Ok(false);
        }
        let head = self.generation.head(end);
        if size < end || head_of(&self.file, head.len() as u64)? != head {
            let path = self.follow.path.clone();
            self.follow.report(&Change::Truncated { path, read: end, size });
            remember(&mut self.seen, Seen::of(&metadata));
            self.begin(&metadata, cuts);
            return Ok(true);
        }
        let known = self.buffer.len();
        self.buffer.resize(known + BLOCK, 0);
        let read = self.file.read_at(&mut self.buffer[known..], end);
        self.buffer.truncate(known + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(read) => {
                self.generation.read(end, &self.buffer[known..]);
                Ok(read > 0)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Begins to read a file from its first byte.
    fn begin(&mut self, metadata: &Metadata, cuts: &mut Vec<Cut>) {
        self.generation = Generation::new(metadata, Vec::new(), self.seen.iter().copied().collect());
        self.buffer.clear();
        (self.at, self.searched) = (0, 0);
        cuts.push(Cut::Begin(self.mark()));
    }

    /// Goes on with the next file, if there is one; returns `None` if there is more to read.
    fn look_around(&mut self, cuts: &mut Vec<Cut>) -> Result<Option<Status>, Fault> {
        let path = self.follow.path.clone();
        let status = match inode_at(&path)? {
            Some(inode) if inode == self.generation.inode => Status::Waits,
            has_name => {
                let changed = self.file.metadata()?.modified()?;
                let is_read = |file: Seen| file.inode == self.generation.inode || self.seen.contains(&file);
                let next = rotation::next(&path, changed, is_read)?;
                match next {
                    // The writer may still hold the old file until it has written to the new one.
                    Some(next) if next.size > 0 || next.path != path => {
                        return self.go_on_with(&next, cuts);
                    }
                    None if has_name.is_none() => Status::Missing,
                    Some(_) | None => Status::Waits,
                }
            }
        };
        if self.follow.to_end && status == Status::Waits && !self.buffer.is_empty() {
            self.cut_rest(cuts);
            return Ok(Some(Status::Lines));
        }
        Ok(Some(status))
    }

    fn go_on_with(&mut self, next: &Sibling, cuts: &mut Vec<Cut>) -> Result<Option<Status>, Fault> {
        let file = match File::open(&next.path) {
            Ok(file) => file,
            // It was renamed meanwhile; the next look finds it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(Status::Waits)),
            Err(error) => return Err(error.into()),
        };
        let metadata = file.metadata()?;
        // Lines that the writer appended before it opened the new file.
        if self.fill(cuts)? || metadata.ino() != next.inode {
            return Ok(None);
        }
        self.cut_rest(cuts);
        for packed in &next.packed {
            self.follow.report(&Change::Skipped { path: packed.clone() });
        }
        let (path, read) = (self.follow.path.clone(), self.at);
        self.follow.report(&Change::Rotated { path, read });
        remember(&mut self.seen, Seen::of(&self.file.metadata()?));
        self.file = file;
        self.begin(&metadata, cuts);
        Ok(None)
    }

    /// Cuts the last line of a file, which has no end.
    fn cut_rest(&mut self, cuts: &mut Vec<Cut>) {
        let rest = self.buffer.len();
        if rest > 0 {
            cuts.push(self.line(0, rest, rest));
            self.at += rest as u64;
            self.buffer.clear();
            self.searched = 0;
        }
    }
}

/// Adds a file that was read, or its content before a truncation, and forgets the oldest if there are too many.
fn remember(seen: &mut VecDeque<Seen>, file: Seen) {
    seen.push_back(file);
    if seen.len() > REMEMBERED {
        seen.pop_front();
    }
}

/// Returns whether a file is that of the checkpoint, and has what was handled.
fn is_it(file: &File, checkpoint: &Checkpoint) -> io::Result<bool> {
    let head = head_of(file, checkpoint.head)?;
    Ok(file.metadata()?.len() >= checkpoint.offset && sum(&head) == checkpoint.sum)
}

fn inode_at(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the position behind the last line end of a file.
fn last_line_end(file: &File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    let mut block = vec![0; BLOCK];
    while end > 0 {
        let begin = end.saturating_sub(BLOCK as u64);
        let length = usize::try_from(end - begin).unwrap_or(BLOCK);
        file.read_exact_at(&mut block[..length], begin)?;
        if let Some(last) = memchr::memrchr(b'\n', &block[..length]) {
            return Ok(begin + last as u64 + 1);
        }
        end = begin;
    }
    Ok(0)
}
