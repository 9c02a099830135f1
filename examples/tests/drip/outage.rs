//! A storage outage, which costs no file an attempt, and a missing bucket, which is reported once.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use crate::support::{Database, Ended, Home, Started, bytes};

/// Number of files that need one storage call each, and that start together.
const FILES: usize = 3;

#[test]
fn a_storage_that_is_down_for_a_while_is_waited_for_and_no_file_fails() {
    let home = Home::new();
    for number in 0..FILES {
        home.files().write(format!("{number:02}.bin"), bytes(number as u64, 2_000));
    }
    // One refusal for each file, and one for the first that is tried alone.
    let ended = home.run(["--storage-faults", "refuse=4", "upload", "files"]).expect_code(0);
    ended.expect_one_line("waiting:", &["does not answer", "10 min"]);
    ended.expect_one_line("resuming", &[]);
    assert!(ended.lines_about("failed").is_empty(), "{}", ended.told());
    assert_eq!(home.run(["ls"]).expect_code(0).lines_about(".bin").len(), FILES);
    Database::of(&home).expect_done();
}

#[test]
fn a_signal_ends_the_wait_for_a_storage_that_is_down_and_every_file_stays_in_the_queue() {
    let home = Home::new();
    home.files().write("a.bin", "content");
    let upload = home.start(["--storage-faults", "refuse=1000", "--json", "upload", "files", "-v"]);
    let upload = upload.until_it_says("waiting:");
    upload.interrupt();
    let ended = upload.wait().expect_code(130);
    let summary = ended.json();
    assert_eq!((&summary["queued"], &summary["failed"]), (&1.into(), &0.into()), "{summary:#}");
    let begun = "SELECT count(*) FROM jobs WHERE attempts > 0 OR lessee IS NOT NULL";
    assert_eq!(Database::of(&home).number(begun), 0);
    home.run(["upload"]).expect_code(0);
    assert_eq!(home.run(["ls"]).expect_code(0).lines_about("a.bin").len(), 1);
}

/// Answers every request as S3 does if the bucket does not exist, until the test ends.
fn service_without_buckets() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || answer_all(&stream));
        }
    });
    endpoint
}

/// Answers the requests of one connection.
fn answer_all(stream: &TcpStream) {
    const BODY: &str = "<Error><Code>NoSuchBucket</Code><Message>The bucket does not exist</Message></Error>";
    let mut lines = BufReader::new(stream).lines();
    while lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).count() > 0 {
        let answer = format!("HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len());
        let mut stream = stream;
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn upload_to_bucket(home: &Home, endpoint: &str, allow_http: &str) -> Ended {
    let files = home.files();
    let mut command = home.command([
        "--storage".as_ref(),
        "s3://missing/prefix".as_ref(),
        "upload".as_ref(),
        files.path().as_os_str(),
    ]);
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"AWS_") {
            command.env_remove(name);
        }
    }
    command.env("AWS_ENDPOINT", endpoint).env("AWS_ALLOW_HTTP", allow_http).env("NO_PROXY", "127.0.0.1");
    command.env("AWS_ACCESS_KEY_ID", "id").env("AWS_SECRET_ACCESS_KEY", "secret").env("AWS_REGION", "eu-1");
    Started::new(&mut command).wait()
}

#[test]
fn a_bucket_that_does_not_exist_is_one_line_and_nothing_is_queued() {
    let home = Home::new();
    home.files().write("a.bin", "a");
    home.files().write("b.bin", "b");
    let ended = upload_to_bucket(&home, &service_without_buckets(), "true").expect_code(1);
    assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{}", ended.told());
    ended.expect_one_line("s3://missing/prefix", &["cannot be used", "no such bucket"]);
    assert_eq!(Database::of(&home).number("SELECT count(*) FROM jobs"), 0);
}

#[test]
fn an_endpoint_that_is_not_encrypted_is_refused_with_the_option_that_allows_it() {
    let home = Home::new();
    home.files().write("a.bin", "a");
    let ended = upload_to_bucket(&home, "http://127.0.0.1:9", "false").expect_code(1);
    ended.expect_one_line("s3://missing/prefix", &["AWS_ALLOW_HTTP=true"]);
}
