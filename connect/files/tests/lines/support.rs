//! A folder with a log, and sources that follow it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage_connect::laws::by_hand;
use stage_connect::{Disposition, Pull, Pulled};
use stage_files::{Change, FilePull, FileSettle, Follow, Line, Receipt};
use tempfile::TempDir;

/// The longest wait for lines that come.
const COMES: Duration = Duration::from_secs(60);

/// A folder with `app.log`, and its checkpoint in another folder.
pub(crate) struct Log {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
    pub(crate) checkpoint: PathBuf,
    pub(crate) changes: Arc<Mutex<Vec<Change>>>,
}

impl Log {
    pub(crate) fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs");
        fs::create_dir(&logs).unwrap();
        let (path, checkpoint) = (logs.join("app.log"), folder.path().join("app.checkpoint"));
        fs::write(&path, text).unwrap();
        Self { folder, path, checkpoint, changes: Arc::default() }
    }

    pub(crate) fn append(&self, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn rotated(&self, ending: &str) -> PathBuf {
        self.path.with_file_name(format!("app.log{ending}"))
    }

    pub(crate) fn follow(&self) -> Follow {
        let changes = Arc::clone(&self.changes);
        Follow::new(&self.path, &self.checkpoint)
            .poll_every(Duration::from_millis(2))
            .on_change(move |change| changes.lock().unwrap().push(change.clone()))
    }

    /// Starts a source.
    pub(crate) async fn open(&self) -> Source {
        Source::of(&self.follow()).await
    }

    pub(crate) fn changes(&self) -> Vec<Change> {
        self.changes.lock().unwrap().clone()
    }
}

/// Both halves of a connector, without a pipeline.
pub(crate) struct Source {
    pub(crate) pull: FilePull,
    pub(crate) settle: FileSettle,
}

type Lines = Vec<Pulled<Line, Receipt>>;

impl Source {
    pub(crate) async fn of(follow: &Follow) -> Self {
        let mut pull = follow.pull();
        let settle = pull.settle_half();
        // Between its fork and its exec, a child of a neighbouring test holds the lock of a source that was dropped.
        let opened = async {
            while let Err(error) = pull.connect().await {
                assert!(error.to_string().ends_with("is in use by another source"), "{error}");
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(COMES, opened).await.expect("the checkpoint is free");
        Self { pull, settle }
    }

    /// Waits for exactly these lines, which are not settled.
    pub(crate) async fn lines(&mut self, expected: &[&str]) -> Lines {
        let lines = by_hand::take_all(&mut self.pull, expected.len(), COMES).await;
        assert_eq!(texts(&lines), expected);
        lines
    }

    /// Waits for exactly these lines, and settles them.
    pub(crate) async fn handle(&mut self, expected: &[&str]) {
        let lines = self.lines(expected).await;
        self.accept(&lines).await;
    }

    pub(crate) async fn accept(&mut self, lines: &[Pulled<Line, Receipt>]) {
        by_hand::settle_all(&mut self.settle, lines, Disposition::Accept).await;
    }

    /// Asserts that there is no further line now.
    pub(crate) async fn has_no_more(&mut self) {
        let more = by_hand::take(&mut self.pull, 10, Duration::from_millis(20)).await;
        assert_eq!(texts(&more), [""; 0]);
    }
}

pub(crate) fn texts(lines: &[Pulled<Line, Receipt>]) -> Vec<&str> {
    lines.iter().map(|line| line.message.text().unwrap()).collect()
}

/// Returns the error with which a source cannot open its file.
pub(crate) async fn refusal(follow: &Follow) -> stage_connect::ConnectError {
    let mut pull = follow.pull();
    let _settle = pull.settle_half();
    pull.connect().await.unwrap_err()
}
