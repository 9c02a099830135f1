//! A thread that looks at the pipelines of a board ten times a second.

use std::{
    collections::HashMap,
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use stage_core::watch::{Board, Course, Snapshot};

/// The time between two looks.
const EVERY: Duration = Duration::from_millis(100);

/// Looks at the pipelines of its board until it is dropped.
#[derive(Debug)]
pub(super) struct Viewer {
    pub(super) board: Board,
    /// Dropped to end the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<u64>>,
}

impl Viewer {
    pub(super) fn start() -> Self {
        let (stop, stopped) = channel::<()>();
        let board = Board::new();
        let watched = board.clone();
        let thread = thread::spawn(move || {
            let mut pipelines = HashMap::new();
            let mut written = 0;
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                written += look(&watched, &mut pipelines);
            }
            written
        });
        Self { board, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // A viewer that panicked has already said so.
            let _ = thread.join();
        }
    }
}

/// Writes what a page shows of each pipeline; returns the number of bytes.
fn look(board: &Board, pipelines: &mut HashMap<String, (Course, Snapshot)>) -> u64 {
    let mut written = 0;
    for entry in board.entries() {
        let (snapshot, status) = (entry.monitor().snapshot(), entry.status());
        let known = pipelines.remove(entry.name());
        // Each round starts another pipeline of the same name.
        let (mut course, before) = match known.filter(|(_, before)| before.at <= snapshot.at) {
            Some(known) => known,
            None => (Course::new(), snapshot.clone()),
        };
        let activity = snapshot.since(&before);
        course.add(snapshot.clone());
        let sentence = course.assessment().map(ToString::to_string);
        let shown = (&activity, activity.verdict(), status, &snapshot, sentence);
        written += serde_json::to_string(&shown).map_or(0, |json| json.len() as u64);
        pipelines.insert(entry.name().to_owned(), (course, snapshot));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipe::{DEFAULT, us};

    #[test]
    fn a_look_writes_every_pipeline_of_the_board() {
        let runtime = crate::runtime::runtime().unwrap();
        let (board, mut pipelines) = (Board::new(), HashMap::new());
        assert_eq!(look(&board, &mut pipelines), 0);
        let summed = runtime.block_on(us::run_on(DEFAULT, 1_000, Some(&board)));
        assert_eq!(summed, DEFAULT.expected_sum(1_000));
        assert_eq!(board.names(), Vec::<String>::new(), "the pipeline leaves the board when it has ended");
        let pipeline = stage_core::Pipeline::builder("p").start_fn("s", || Ok(0..9)).finish_fn("f", |_| ());
        let running = runtime.block_on(pipeline.start()).unwrap();
        board.add("p", &running).unwrap();
        assert!(look(&board, &mut pipelines) > 1_000);
        runtime.block_on(running.join()).unwrap();
    }
}
