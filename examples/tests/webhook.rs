//! `webhook` under load, with a slow and failing store: a 200 means stored, also after `kill -9`.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The service in a process of its own. Dropping it kills the process.
struct Service {
    program: Child,
    said: Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Service {
    fn start(file: &Path, options: &[&str]) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_webhook"))
            .arg(file)
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(program.stdout.take().unwrap()).lines();
        let line = said.next().unwrap().unwrap();
        let address = line.strip_prefix("webhook: http://").and_then(|line| line.strip_suffix("/events"));
        Self { program, said, address: address.expect(&line).to_owned() }
    }

    /// Returns the most memory that the process has used, in KiB.
    fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.program.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    fn signal(&self, name: &str) {
        let id = self.program.id();
        assert!(Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status().unwrap().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// A client with a connection that it keeps as long as the service does.
struct Client<'a> {
    address: &'a str,
    connection: Option<BufReader<TcpStream>>,
}

impl Client<'_> {
    /// Posts an event; returns the status, or `None` if the connection broke before the answer.
    fn post(&mut self, id: u64) -> Option<u16> {
        // Events of different sizes, up to 2 KiB.
        let body = format!(r#"{{"id":{id},"text":"{}"}}"#, "x".repeat(usize::try_from(id % 2_000).unwrap()));
        let request = format!(
            "POST /events HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len(),
        );
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => BufReader::new(TcpStream::connect(self.address).ok()?),
        };
        connection.get_ref().set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        connection.get_mut().write_all(request.as_bytes()).ok()?;
        let (mut line, mut status, mut length, mut stays) = (String::new(), None, 0, true);
        loop {
            line.clear();
            if connection.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let lower = line.trim_end().to_ascii_lowercase();
            if status.is_none() {
                status = lower.split(' ').nth(1)?.parse().ok();
            }
            length = lower.strip_prefix("content-length: ").map_or(length, |length| length.parse().unwrap());
            stays &= lower != "connection: close";
            if lower.is_empty() {
                break;
            }
        }
        connection.read_exact(&mut vec![0; length]).ok()?;
        if stays {
            self.connection = Some(connection);
        }
        status
    }
}

/// The number of clients.
const CLIENTS: u64 = 32;

/// Posts `per_client` events from each of many clients at once; returns the ids by the status of their answers. Calls
/// `amid` once a quarter of the events are answered.
fn load(address: &str, from: u64, per_client: u64, amid: impl FnOnce()) -> BTreeMap<Option<u16>, Vec<u64>> {
    let answered = AtomicU64::new(0);
    let mut outcomes = BTreeMap::<_, Vec<_>>::new();
    std::thread::scope(|scope| {
        let answered = &answered;
        let client = |client: u64| {
            move || {
                let mut by = Client { address, connection: None };
                let ids = (0..per_client).map(|number| from + client * per_client + number);
                let post = |id| {
                    let status = by.post(id);
                    answered.fetch_add(1, Ordering::Relaxed);
                    if status != Some(200) {
                        // As a client that waits before it tries again does, only shorter.
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    (status, id)
                };
                ids.map(post).collect::<Vec<_>>()
            }
        };
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(client(number))).collect();
        while answered.load(Ordering::Relaxed) < CLIENTS * per_client / 4 {
            std::thread::yield_now();
        }
        amid();
        for (status, id) in clients.into_iter().flat_map(|client| client.join().unwrap()) {
            outcomes.entry(status).or_default().push(id);
        }
    });
    outcomes
}

/// Returns the ids of the events in the file, and how often they are there.
fn stored(file: &Path) -> BTreeMap<u64, u32> {
    let mut ids = BTreeMap::new();
    for line in fs::read_to_string(file).unwrap().lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("whole lines");
        *ids.entry(event["id"].as_u64().unwrap()).or_default() += 1;
    }
    ids
}

fn ids(outcomes: &BTreeMap<Option<u16>, Vec<u64>>, status: u16) -> BTreeSet<u64> {
    outcomes.get(&Some(status)).into_iter().flatten().copied().collect()
}

#[test]
fn ten_thousand_requests_to_a_slow_failing_store_get_200_only_if_stored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events");
    let service = Service::start(&file, &["--slow", "2", "--fail", "5", "--at-once", "16"]);
    // The first requests bring the process to its size.
    load(&service.address, 0, 16, || ());
    let before = service.peak();
    let outcomes = load(&service.address, 1_000_000, 10_000 / CLIENTS + 1, || ());
    let grown = service.peak() - before;
    let statuses: Vec<_> = outcomes.keys().copied().collect();
    assert_eq!(statuses, [Some(200), Some(429), Some(503)], "only these answers");
    assert!(outcomes.values().map(Vec::len).sum::<usize>() >= 10_000);
    let kept = stored(&file);
    let missing: Vec<_> = ids(&outcomes, 200).into_iter().filter(|id| kept.get(id) != Some(&1)).collect();
    assert!(missing.is_empty(), "answered with 200 and not stored once: {missing:?}");
    for status in [429, 503] {
        let refused = ids(&outcomes, status);
        assert!(!refused.is_empty() && refused.iter().all(|id| !kept.contains_key(id)), "{status}");
    }
    assert!(grown < 16 * 1024, "the process grew by {grown} KiB");
}

#[test]
fn a_process_that_is_killed_amid_the_load_loses_nothing_that_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events");
    let mut acknowledged = BTreeSet::new();
    for round in 0..5_u64 {
        let service = Service::start(&file, &["--slow", "1"]);
        let outcomes = load(&service.address, round * 1_000_000, 40, || service.signal("KILL"));
        acknowledged.extend(ids(&outcomes, 200));
        let broken = outcomes.get(&None).map_or(0, Vec::len);
        assert!(broken > 0, "the kill came after the load");
        let kept = stored_whole(&file);
        let missing: Vec<_> = acknowledged.iter().filter(|id| !kept.contains_key(id)).collect();
        assert!(missing.is_empty(), "round {round}: acknowledged and lost: {missing:?}");
    }
    assert!(!acknowledged.is_empty());
    // The next start repairs a line that was cut off, and stores behind it.
    let service = Service::start(&file, &[]);
    assert_eq!(Client { address: &service.address, connection: None }.post(77), Some(200));
    assert_eq!(stored(&file).get(&77), Some(&1));
}

/// Like [`stored`], without a last line that was cut off.
fn stored_whole(file: &Path) -> BTreeMap<u64, u32> {
    let text = fs::read_to_string(file).unwrap();
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let copy = file.with_extension("copy");
    fs::write(&copy, &text[..whole]).unwrap();
    stored(&copy)
}

#[test]
fn an_interrupted_service_answers_the_requests_inside_and_refuses_others() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events");
    let mut service = Service::start(&file, &["--slow", "5"]);
    let outcomes = load(&service.address, 0, 40, || service.signal("TERM"));
    assert!(service.program.wait().unwrap().success());
    let last = service.said.next().unwrap().unwrap();
    let (kept, acknowledged) = (stored(&file), ids(&outcomes, 200));
    assert_eq!(
        kept.keys().copied().collect::<BTreeSet<_>>(),
        acknowledged,
        "stored without an answer, or the reverse"
    );
    assert_eq!(last, format!("webhook: {0} delivered, {0} acknowledged, 0 rejected", kept.len()));
    let others: Vec<_> =
        outcomes.keys().filter(|status| ![Some(200), Some(429), Some(503), None].contains(status)).collect();
    assert!(others.is_empty(), "{others:?}");
}
