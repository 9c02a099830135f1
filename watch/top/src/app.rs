//! The content of the screen, and the effect of each key.

use std::time::Duration;

use ratatui::crossterm::event::KeyCode;

use crate::client::News;
use crate::tick::{Step, Tick, Windows};

/// The number of columns by which the table can be sorted.
const COLUMNS: usize = 9;

/// The time without news after which the numbers are old.
const STALE: Duration = Duration::from_secs(3);

/// The content of the screen.
#[derive(Debug, Default)]
pub struct App {
    pub(crate) pipelines: Vec<String>,
    pub(crate) shown: usize,
    pub(crate) tick: Tick,
    pub(crate) windows: Windows,
    pub(crate) selected: usize,
    /// The column of the order, from 1; 0 for the order of the pipeline.
    pub(crate) sorted_by: usize,
    pub(crate) copies: bool,
    pub(crate) asks_for_drain: bool,
    /// The answer to the last control, or why there is no connection.
    pub(crate) said: String,
    pub(crate) silent: Duration,
}

/// The effect of a key on the rest of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing but the screen changes.
    Draw,
    /// Another pipeline is shown.
    Show(String),
    /// A request to the panel.
    Control(Control),
    /// The program ends.
    Quit,
}

/// A request to the panel, below the path of the pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Control {
    /// The method: `POST` or `PUT`.
    pub method: &'static str,
    /// The pipeline.
    pub pipeline: String,
    /// The parts of the path behind it.
    pub path: Vec<String>,
    /// The body, in JSON.
    pub body: String,
}

/// A line of the table: a step, or a copy of one.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) name: String,
    pub(crate) step: &'a Step,
    pub(crate) copies: String,
    pub(crate) times: [u16; 5],
    pub(crate) input: f64,
    pub(crate) output: f64,
    /// Events in flight to it, and their maximum; for a copy, none.
    pub(crate) queue: Option<(f64, u64)>,
    pub(crate) wait: Option<f64>,
    pub(crate) batch: Option<f64>,
    pub(crate) discarded: u64,
    pub(crate) restarts: u64,
}

impl App {
    /// Takes in news of the panel.
    pub fn hear(&mut self, news: News) {
        match news {
            News::Pipelines(names) => {
                self.shown = self.shown.min(names.len().saturating_sub(1));
                self.pipelines = names;
            }
            News::Windows(windows) => self.windows = windows,
            News::Tick(tick) => {
                self.tick = *tick;
                self.silent = Duration::ZERO;
            }
            News::Said(said) => self.said = said,
        }
    }

    /// Notes that nothing came for this time.
    pub fn pass(&mut self, time: Duration) {
        self.silent += time;
    }

    pub(crate) fn is_stale(&self) -> bool {
        self.silent >= STALE
    }

    pub(crate) fn pipeline(&self) -> Option<&str> {
        self.pipelines.get(self.shown).map(String::as_str)
    }

    /// Returns the lines in their order.
    pub(crate) fn lines(&self) -> Vec<Line<'_>> {
        let mut lines: Vec<_> = if self.copies {
            self.tick.steps.iter().flat_map(copies).collect()
        } else {
            self.tick.steps.iter().map(|step| self.line(step)).collect()
        };
        let key = |line: &Line<'_>| match self.sorted_by {
            1 => line.input,
            2 => line.output,
            3 => busy(line),
            4 => line.queue.map_or(-1.0, |(in_flight, room)| fill(in_flight, room)),
            5 => line.wait.unwrap_or(-1.0),
            6 => line.batch.unwrap_or(-1.0),
            7 => count(line.discarded),
            8 => count(line.restarts),
            _ => 0.0,
        };
        // Stable, so equal lines keep the order of the pipeline.
        lines.sort_by(|one, other| key(other).total_cmp(&key(one)));
        lines
    }

    fn line<'a>(&'a self, step: &'a Step) -> Line<'a> {
        let links = || self.tick.links.iter().filter(|link| link.to == step.name);
        let room: u64 = links().map(|link| link.room).sum();
        Line {
            name: step.name.clone(),
            step,
            copies: step.running().to_string(),
            times: step.times,
            input: step.r#in,
            output: step.out,
            queue: (room > 0).then(|| (links().map(|link| link.in_flight).sum(), room)),
            wait: links().filter_map(|link| link.wait).reduce(f64::max),
            batch: step.batch,
            discarded: step.discarded,
            restarts: step.restarts,
        }
    }

    /// Returns the effect of a key.
    pub fn press(&mut self, key: KeyCode) -> Action {
        let asked = std::mem::take(&mut self.asks_for_drain);
        self.said.clear();
        let last = self.lines().len().saturating_sub(1);
        self.selected = self.selected.min(last);
        match key {
            KeyCode::Char('q') => return Action::Quit,
            KeyCode::Char('y') if asked => return self.control("POST", &["drain"], String::new()),
            KeyCode::Up => self.selected = self.selected.saturating_sub(1),
            KeyCode::Down => self.selected = (self.selected + 1).min(last),
            KeyCode::Tab if self.pipelines.len() > 1 => {
                self.shown = (self.shown + 1) % self.pipelines.len();
                (self.tick, self.selected) = (Tick::default(), 0);
                return Action::Show(self.pipelines[self.shown].clone());
            }
            KeyCode::Char('s') => self.sorted_by = (self.sorted_by + 1) % COLUMNS,
            KeyCode::Char('c') => (self.copies, self.selected) = (!self.copies, 0),
            KeyCode::Char('d') => self.asks_for_drain = self.pipeline().is_some(),
            KeyCode::Char('p') => return self.pause(),
            KeyCode::Char('+') => return self.window(|max| max.saturating_mul(2)),
            KeyCode::Char('-') => return self.window(|max| (max / 2).max(1)),
            KeyCode::Char('>') => return self.count(1),
            KeyCode::Char('<') => return self.count(-1),
            _ => {}
        }
        Action::Draw
    }

    fn selected_step(&self) -> Option<&Step> {
        let lines = self.lines();
        let name = &lines.get(self.selected)?.step.name;
        self.tick.steps.iter().find(|step| step.name == *name)
    }

    fn pause(&self) -> Action {
        let Some(step) = self.selected_step() else { return Action::Draw };
        let verb = if step.paused { "resume" } else { "pause" };
        self.control("POST", &["steps", &step.name, verb], String::new())
    }

    fn window(&self, change: impl Fn(usize) -> usize) -> Action {
        let Some(step) = self.selected_step() else { return Action::Draw };
        let Some(window) = self.windows.steps.iter().find(|window| window.name == step.name) else {
            return Action::Draw;
        };
        let max = change(window.max_demand);
        let min = change(window.min_demand).min(max - 1);
        let body = format!(r#"{{"min": {min}, "max": {max}}}"#);
        self.control("PUT", &["steps", &step.name, "window"], body)
    }

    fn count(&self, change: isize) -> Action {
        let Some(step) = self.selected_step() else { return Action::Draw };
        let Some(now) = self.windows.steps.iter().find(|now| now.name == step.name) else {
            return Action::Draw;
        };
        let count = (step.running() / now.lanes.max(1)).saturating_add_signed(change).max(1);
        let body = format!(r#"{{"count": {count}}}"#);
        self.control("PUT", &["steps", &step.name, "count"], body)
    }

    fn control(&self, method: &'static str, path: &[&str], body: String) -> Action {
        let Some(pipeline) = self.pipeline() else { return Action::Draw };
        let path = path.iter().map(|&part| part.to_owned()).collect();
        Action::Control(Control { method, pipeline: pipeline.to_owned(), path, body })
    }
}

/// Returns the share of the time in which a step is busy, in thousandths: a source does not work on what it waits for.
fn busy(line: &Line<'_>) -> f64 {
    let [working, waiting, _, _, scheduled] = line.times.map(f64::from);
    working + scheduled + if line.step.source { 0.0 } else { waiting }
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn count(number: u64) -> f64 {
    number as f64
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
pub(crate) fn fill(in_flight: f64, room: u64) -> f64 {
    if room == 0 { 0.0 } else { (in_flight / room as f64).min(1.0) }
}

fn copies(step: &Step) -> impl Iterator<Item = Line<'_>> {
    step.copies.iter().enumerate().map(|(copy, values)| {
        let (_, working, waiting, starved, held_up, scheduled, input, output, _, restarts) = *values;
        Line {
            name: format!("{}/{copy}", step.name),
            step,
            copies: String::new(),
            times: [working, waiting, starved, held_up, scheduled],
            input,
            output,
            queue: None,
            wait: None,
            batch: None,
            discarded: 0,
            restarts,
        }
    })
}
