//! `hashtag_battle --serve`: entries by HTTP, counts on a page in a real browser. The page is skipped where no Chromium
//! is installed.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

#[path = "battle_page/battle.rs"]
mod battle;
#[allow(dead_code, reason = "shared with the tests of the panel")]
#[path = "../../watch/panel/tests/browser/devtools.rs"]
mod devtools;
#[path = "battle_page/wire.rs"]
mod wire;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use battle::Battle;
use devtools::Page;
use serde_json::Value;
use wire::Wire;

/// Returns the milliseconds since 1970.
fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}

/// Returns entries of the last 40 minutes, with two quiet ones in between, and how many there are.
fn history() -> (String, usize) {
    let (now, mut lines, mut count) = (now(), String::new(), 0);
    for minute in (1..40_u64).filter(|minute| ![10, 11].contains(minute)) {
        for (tag, often) in
            [("#rust", 4 + minute % 7), ("#elixir", 40 / minute + 2), ("#日本語", 12 - minute % 11)]
        {
            for second in 0..often {
                let at = now - u128::from(minute * 60_000 + second);
                let _ = writeln!(lines, "{at} people like {tag}");
                count += 1;
            }
        }
    }
    (lines, count)
}

#[test]
fn entries_come_by_http_and_the_counts_are_those_of_a_loop() {
    let battle = Battle::start("127.0.0.1:0", &["#Rust", "#elixir", "#日本語"]);
    let (lines, count) = history();
    let (status, sums) = battle.ask("POST /feed", &lines);
    assert_eq!((status, sums), (200, format!(r#"{{"acknowledged":{count},"rejected":0}}"#)));
    battle.add("I like #RUST, #rust &#39;and&#39; https://example.org/#elixir");
    battle.add("nothing");
    let state = battle.state();
    assert_eq!(
        (&state["entries"], &state["matching"], &state["late"]),
        (&(count + 2).into(), &(count + 1).into(), &0.into())
    );
    for (place, tag) in ["#rust", "#elixir", "#日本語"].into_iter().enumerate() {
        let competitor = &state["tags"][place];
        let series: Vec<_> =
            competitor["series"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).collect();
        let expected = lines.lines().filter(|line| line.ends_with(tag)).count() + usize::from(tag == "#rust");
        assert_eq!(
            (&competitor["tag"], series.len(), series.iter().sum::<u64>()),
            (&tag.into(), 60, expected as u64)
        );
        // The quiet minutes are filled, as are those before the first entry.
        assert!(series[..15].iter().all(|count| *count == 0) && series[20..59].contains(&0));
    }
    assert_eq!(state["tags"][0]["count"], 1, "the window has the entry of now only");

    let (status, sums) = battle.ask("POST /feed", "1 #rust\nyesterday #rust\n");
    assert_eq!(status, 400);
    let sums: Value = serde_json::from_str(&sums).unwrap();
    assert_eq!(
        (&sums["acknowledged"], &sums["error"]),
        (&1.into(), &"line 2: expected milliseconds, a space and a text".into())
    );
    assert_eq!(battle.state()["late"], 1, "an entry of 1970");
    assert_eq!(battle.ask("POST /entries", &"x".repeat(10_000)).0, 413);
}

#[test]
fn the_stream_has_at_most_two_states_a_second_and_goes_on_from_any_id() {
    let battle = Battle::start("127.0.0.1:0", &["#rust", "#elixir"]);
    let listen = |last: &str| {
        let mut stream = TcpStream::connect(&battle.address).unwrap();
        write!(stream, "GET /live HTTP/1.1\r\nHost: {}\r\nLast-Event-ID: {last}\r\n\r\n", battle.address)
            .unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        BufReader::new(stream).lines().map(Result::unwrap)
    };
    let begun = Instant::now();
    let mut states = listen("").filter_map(|line| line.strip_prefix("data: ").map(str::to_owned));
    let entries = |state: &str| serde_json::from_str::<Value>(state).unwrap()["entries"].as_u64().unwrap();
    let mut sent = 0;
    for _ in 0..3 {
        (0..300).for_each(|_| battle.add("#rust"));
        sent += 300;
    }
    let mut seen = 0_u32;
    for state in states.by_ref() {
        seen += 1;
        if entries(&state) == sent {
            break;
        }
    }
    let most = begun.elapsed().as_millis() / 500 + 2;
    assert!(u128::from(seen) <= most, "{seen} states of {sent} entries, at most {most}");
    // A browser that comes back with the id of another life gets the whole state at once.
    let state = listen("0-17").find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).unwrap();
    assert_eq!(entries(&state), sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_the_battle_live_and_a_tag_is_text() {
    let Some(mut page) = Page::open().await else { return };
    let hostile = "#img_src_x_onerror";
    let battle = Battle::start("127.0.0.1:0", &["#rust", "#elixir", "#日本語", "#שלום", hostile]);
    battle.ask("POST /feed", &history().0);
    (0..7).for_each(|_| battle.add("#elixir <img src=x onerror=alert(1)>"));
    (0..3).for_each(|_| battle.add("#rust #日本語 </script><script>document.title = 'hacked'</script>"));
    page.navigate(&format!("http://{}/", battle.address)).await;
    page.until("$('state').textContent === 'live'").await;
    let ranking = "[...document.querySelectorAll('#ranking li')].map(li => li.querySelector('.tag').textContent + ' ' + li.querySelector('.count').textContent).join(', ')";
    page.until(&format!("{ranking} === '#elixir 7, #rust 3, #日本語 3, #שלום 0, {hostile} 0'")).await;
    page.until("document.querySelectorAll('#chart .series').length === 5 && document.querySelectorAll('#key li').length === 5").await;
    page.picture("battle-light").await;

    // Live: another entry, and one from the page itself.
    battle.add("#rust");
    page.value("$('text').value = '#rust from the page'").await;
    page.press("send").await;
    page.until("$('said').textContent === 'The entry is counted.'").await;
    (0..4).for_each(|_| battle.add("#rust"));
    page.until(&format!("{ranking}.startsWith('#rust 9, #elixir 7')")).await;
    assert_eq!(page.value("document.title").await, "Hashtag battle");
    assert_eq!(page.value("document.querySelectorAll('img').length").await, 0);

    page.prefer("dark").await;
    page.picture("battle-dark").await;
    page.prefer("light").await;
    page.resize(390, 844).await;
    page.until("document.documentElement.scrollWidth <= 390").await;
    page.picture("battle-phone").await;
    assert!(page.errors.is_empty(), "{:#?}", page.errors);

    // A script that is not the page's own does not run.
    page.value("{ const s = document.createElement('script'); s.textContent = 'window.hacked = true'; document.body.append(s); }").await;
    assert_eq!(page.value("window.hacked === undefined").await, true);
    page.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_that_loses_its_network_or_its_server_goes_on_where_it_was() {
    let Some(mut page) = Page::open().await else { return };
    let battle = Battle::start("127.0.0.1:0", &["#rust", "#elixir"]);
    let wire = Wire::to(&battle.address).await;
    battle.add("#rust");
    page.navigate(&format!("http://{}/", wire.address)).await;
    page.until("battle?.entries === 1").await;

    wire.cut();
    page.until("$('state').textContent === 'reconnecting' && document.body.classList.contains('lost-now')")
        .await;
    (0..5).for_each(|_| battle.add("#elixir"));
    page.picture("battle-lost").await;
    wire.mend();
    page.until("$('state').textContent === 'live' && battle.entries === 6").await;
    assert_eq!(page.value("battle.tags[1].series.reduce((a, b) => a + b)").await, 5);

    // The server itself is replaced by another process at the same address.
    let address = battle.address.clone();
    drop(battle);
    page.until("$('state').textContent === 'reconnecting'").await;
    let again = Battle::start(&address, &["#rust", "#elixir"]);
    again.add("#elixir");
    page.until("$('state').textContent === 'live' && battle.entries === 1").await;
    page.close().await;
}

#[test]
fn an_interrupted_battle_ends_its_streams_and_says_what_it_counted() {
    let mut battle = Battle::start("127.0.0.1:0", &["#rust", "#elixir"]);
    battle.add("#rust");
    let mut stream = TcpStream::connect(&battle.address).unwrap();
    write!(stream, "GET /live HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", battle.address).unwrap();
    let mut line = String::new();
    let mut stream = BufReader::new(stream);
    stream.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    let kill = format!("kill -TERM {}", battle.program.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(battle.program.wait().unwrap().success());
    assert_eq!(battle.said.next().unwrap().unwrap(), "hashtag_battle: 1 entries counted");
}
