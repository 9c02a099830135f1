//! `slow_step` moves its bottleneck at each line of stdin, and its panel has controls behind a token.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

/// Returns the answer to a request, from its first line on.
fn answer(address: &str, request: &str, token: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: {address}\r\nX-Stage-Token: {token}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn the_panel_of_slow_step_answers_and_can_end_it() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_slow_step"))
        .args(["--panel", "--by-hand"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(program.stderr.take().unwrap()).lines();
    let line = said.next().unwrap().unwrap();
    let (_, rest) = line.split_once("http://").expect(&line);
    let (address, rest) = rest.split_once("/ (controls: ").expect(&line);
    let token = rest.split_once("token: ").expect(&line).1.trim_end_matches(')');

    let mut moves = BufReader::new(program.stdout.take().unwrap()).lines();
    let mut hand = program.stdin.take().unwrap();
    assert_eq!(moves.next().unwrap().unwrap(), "parse is slow");
    for slow in ["encode", "store", "parse"] {
        writeln!(hand).unwrap();
        assert_eq!(moves.next().unwrap().unwrap(), format!("{slow} is slow"));
    }

    let listed = answer(address, "GET /api/pipelines", "");
    assert!(listed.starts_with("HTTP/1.1 200") && listed.contains(r#""name":"slow_step""#), "{listed}");
    let stop = "POST /api/pipelines/slow_step/stop";
    assert!(answer(address, stop, "wrong").starts_with("HTTP/1.1 403"));
    assert!(answer(address, stop, token).starts_with("HTTP/1.1 200"));
    assert!(program.wait().unwrap().success());
}
