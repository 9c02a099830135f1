//! The screen for given ticks, and the effects of keys.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::KeyCode;
use serde_json::{from_value, json};
use stage_top::{Action, App, News, draw};

/// An app that shows a pipeline of three steps.
fn app() -> App {
    let step = |name: &str, source: bool, times: [u16; 5], rate: f64| {
        json!({
            "name": name, "source": source, "paused": false, "times": times, "in": if source { 0.0 } else { rate },
            "out": rate, "batch": 48.3, "discarded": 2, "restarts": 1,
            "copies": [[0, times[0], times[1], times[2], times[3], times[4], rate, rate, 0, 0]],
        })
    };
    let tick = from_value(json!({
        "at": 75.2, "state": "running",
        "verdict": { "text": "`encrypt` is the bottleneck: it works 97 % of the time.", "steps": ["encrypt"], "since": 12.5 },
        "steps": [
            step("files", true, [60, 0, 0, 940, 0], 890.0),
            step("encrypt", false, [970, 0, 0, 0, 30], 890.4),
            step("store", false, [100, 0, 900, 0, 0], 12_345.0),
        ],
        "links": [
            { "to": "encrypt", "in_flight": 812.0, "room": 1_000, "wait": 0.912 },
            { "to": "store", "in_flight": 3.0, "room": 10, "wait": 0.0021 },
        ],
    }));
    let windows = from_value(json!({ "steps": [
        { "name": "files", "min_demand": 0, "max_demand": 0 },
        { "name": "encrypt", "min_demand": 500, "max_demand": 1_000 },
        { "name": "store", "min_demand": 1, "max_demand": 10 },
    ] }));
    let mut app = App::default();
    app.hear(News::Pipelines(vec!["upload".to_owned(), "download".to_owned()]));
    app.hear(News::Windows(windows.unwrap()));
    app.hear(News::Tick(Box::new(tick.unwrap())));
    app
}

/// Returns the lines of the screen.
fn screen(app: &App) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(120, 10)).unwrap();
    terminal.draw(|frame| draw(frame, app)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let lines = buffer
        .content()
        .chunks(120)
        .map(|line| line.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
    lines.map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn the_screen_shows_each_step_and_the_bottleneck() {
    let lines = screen(&app());
    assert_eq!(lines[0], " upload  (1 of 2)  running  up 75.0 s");
    assert!(lines[1].starts_with("STEP"), "{lines:#?}");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        words(&lines[2]),
        ["files", "1", "-", "890", "W=======================", "-", "-", "48.3", "2", "1"]
    );
    assert_eq!(
        words(&lines[3])[..9],
        [">", "encrypt", "1", "890", "890", "WWWWWWWWWWWWWWWWWWWWWWWs", "######..", "812/1000", "912"]
    );
    assert!(lines[4].contains("12.3k") && lines[4].contains("##...... 3/10"), "{lines:#?}");
    let below = lines.join("\n");
    assert!(below.contains("encrypt is the bottleneck: it works 97 % of the time. (for 12.0 s)"), "{below}");
    assert!(lines[9].starts_with("q quit"), "{below}");
}

#[test]
fn the_screen_names_the_condition_that_a_step_waits_for() {
    let mut app = app();
    let tick = from_value(json!({
        "at": 76.2, "state": "running", "verdict": { "text": "The pipeline is idle.", "steps": [], "since": 0.0 }, "links": [],
        "steps": [{
            "name": "files", "source": true, "paused": false, "waiting_for": "the server db:5432: connection refused",
            "times": [0, 1_000, 0, 0, 0], "in": 0.0, "out": 0.0, "batch": null, "discarded": 0, "restarts": 0, "copies": [],
        }],
    }));
    app.hear(News::Tick(Box::new(tick.unwrap())));
    let below = screen(&app).join("\n");
    assert!(below.contains("files waits for the server db:5432: connection refused."), "{below}");
}

#[test]
fn the_screen_names_the_events_at_once_and_the_retries_that_wait() {
    let mut app = app();
    let tick = from_value(json!({
        "at": 76.2, "state": "running", "verdict": { "text": "The pipeline is idle.", "steps": [], "since": 0.0 }, "links": [],
        "steps": [{
            "name": "call", "source": false, "paused": false, "times": [0, 1_000, 0, 0, 0], "in": 0.0, "out": 0.0,
            "batch": null, "discarded": 0, "restarts": 0, "at_once": 24, "retries": 3, "copies": [],
        }],
    }));
    app.hear(News::Tick(Box::new(tick.unwrap())));
    let below = screen(&app).join("\n");
    assert!(below.contains("call handles 24 events at once; 3 wait for a retry."), "{below}");
}

#[test]
fn keys_select_sort_and_list_copies() {
    let mut app = app();
    app.press(KeyCode::Char('s'));
    assert!(screen(&app)[2].starts_with("store"), "by the rate of input: {:#?}", screen(&app));
    (0..8).for_each(|_| drop(app.press(KeyCode::Char('s'))));
    assert!(screen(&app)[2].starts_with("files"), "the order of the pipeline");
    app.press(KeyCode::Char('c'));
    assert!(screen(&app)[3].starts_with("> encrypt/0"), "{:#?}", screen(&app));
    assert_eq!(app.press(KeyCode::Tab), Action::Show("download".to_owned()));
    assert_eq!(app.press(KeyCode::Char('q')), Action::Quit);
}

/// Presses a key; returns the path and the body of the control.
fn control(app: &mut App, key: char) -> (&'static str, String, String) {
    match app.press(KeyCode::Char(key)) {
        Action::Control(control) => {
            (control.method, format!("{}/{}", control.pipeline, control.path.join("/")), control.body)
        }
        other => panic!("{key} does {other:?}"),
    }
}

#[test]
fn keys_pause_change_the_window_and_drain_after_a_yes() {
    let mut app = app();
    app.press(KeyCode::Down);
    let nothing = String::new();
    assert_eq!(control(&mut app, 'p'), ("POST", "upload/steps/encrypt/pause".to_owned(), nothing.clone()));
    let window = |body: &str| ("PUT", "upload/steps/encrypt/window".to_owned(), body.to_owned());
    assert_eq!(control(&mut app, '+'), window(r#"{"min": 1000, "max": 2000}"#));
    assert_eq!(control(&mut app, '-'), window(r#"{"min": 250, "max": 500}"#));
    assert_eq!(app.press(KeyCode::Char('y')), Action::Draw);
    assert_eq!(app.press(KeyCode::Char('d')), Action::Draw);
    assert!(screen(&app)[9].starts_with("Drain the pipeline?"));
    assert_eq!(app.press(KeyCode::Char('n')), Action::Draw);
    assert_eq!(app.press(KeyCode::Char('y')), Action::Draw);
    app.press(KeyCode::Char('d'));
    assert_eq!(control(&mut app, 'y'), ("POST", "upload/drain".to_owned(), nothing));
}

#[test]
fn old_numbers_are_told_as_such() {
    let mut app = app();
    app.pass(Duration::from_secs(2));
    assert!(screen(&app)[0].contains("running"));
    app.pass(Duration::from_secs(5));
    assert!(screen(&app)[0].contains("no data for 7.0 s"), "{:#?}", screen(&app));
}

#[test]
fn an_empty_board_and_a_tiny_screen_are_drawn() {
    let mut app = App::default();
    assert!(screen(&app)[0].contains("no pipeline"));
    for key in ['p', '+', '-', 'd', 'y', 's', 'c'] {
        assert_eq!(app.press(KeyCode::Char(key)), Action::Draw);
    }
    app.press(KeyCode::Tab);
    let mut terminal = Terminal::new(TestBackend::new(3, 2)).unwrap();
    terminal.draw(|frame| draw(frame, &app)).unwrap();
}
