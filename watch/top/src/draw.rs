//! Draws the screen.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Table, TableState, Wrap};

use crate::app::{self, App, fill};
use crate::show::{LETTERS, cells, number, time};

/// The titles of the columns; the order is that of the keys to sort by.
const TITLES: [&str; 10] =
    ["STEP", "COPIES", "IN/s", "OUT/s", "STATES, 10 s", "QUEUE", "WAIT", "BATCH", "LOST", "RESTARTS"];

/// The width of the bar of states, and that of the queue.
const STATES: usize = 24;
const QUEUE: usize = 8;

const COLOURS: [Color; 5] = [Color::Red, Color::Yellow, Color::DarkGray, Color::Blue, Color::Magenta];

/// Draws the content of `app`.
pub fn draw(frame: &mut Frame<'_>, app: &App) {
    let [title, table, verdict, help] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(3),
        Constraint::Length(3),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(head(app), title);
    rows(frame, app, table);
    let sentence = app.tick.verdict.text.replace('`', "");
    let since = if app.tick.verdict.steps.is_empty() {
        String::new()
    } else {
        format!(" (for {})", time(app.tick.verdict.since.floor()))
    };
    let mut lines =
        vec![Line::from(format!("{sentence}{since}")).style(Style::new().add_modifier(Modifier::BOLD))];
    lines.extend(waits(app).map(Line::from));
    lines.push(Line::from(at_once(app).collect::<Vec<_>>().join(" ")));
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), verdict);
    frame.render_widget(Paragraph::new(foot(app)), help);
}

fn head(app: &App) -> Paragraph<'static> {
    let name = app.pipeline().unwrap_or("no pipeline").to_owned();
    let more = match app.pipelines.len() {
        0 | 1 => String::new(),
        many => format!("  ({} of {many})", app.shown + 1),
    };
    let state = if app.is_stale() {
        format!("  no data for {}", time(app.silent.as_secs_f64().floor()))
    } else {
        format!("  {}  up {}", app.tick.state, time(app.tick.at.floor()))
    };
    let style = Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD);
    Paragraph::new(format!(" {name}{more}{state}")).style(style)
}

fn foot(app: &App) -> String {
    if app.asks_for_drain {
        return "Drain the pipeline? It does not start again. y drains, any other key does not".to_owned();
    }
    if !app.said.is_empty() {
        return app.said.clone();
    }
    "q quit  up/down select  p pause  +/- window  </> copies  d drain  s sort  c copies  tab next".to_owned()
}

/// Returns a sentence for each step that waits for a condition outside the pipeline.
fn waits(app: &App) -> impl Iterator<Item = String> {
    let steps = app.tick.steps.iter();
    steps.filter_map(|step| Some(format!("{} waits for {}.", step.name, step.waiting_for.as_ref()?)))
}

/// Returns a sentence for each step that handles several events at once.
fn at_once(app: &App) -> impl Iterator<Item = String> {
    let steps = app.tick.steps.iter();
    steps.filter_map(|step| {
        let (events, retries) = (step.at_once?, step.retries);
        let retries = if retries > 0 { format!("; {retries} wait for a retry") } else { String::new() };
        Some(format!("{} handles {events} events at once{retries}.", step.name))
    })
}

fn rows(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let lines = app.lines();
    let sorted = match app.sorted_by {
        0 => None,
        column => Some(column + 1),
    };
    let titles = TITLES.iter().enumerate().map(|(column, title)| {
        let style =
            if sorted == Some(column) { Modifier::BOLD | Modifier::UNDERLINED } else { Modifier::BOLD };
        Cell::from(if column == 0 || column == 4 || column == 5 { Line::from(*title) } else { right(title) })
            .style(Style::new().add_modifier(style))
    });
    let widths = [
        Constraint::Min(10),
        Constraint::Length(6),
        Constraint::Length(7),
        Constraint::Length(7),
        Constraint::Length(24),
        Constraint::Length(20),
        Constraint::Length(8),
        Constraint::Length(7),
        Constraint::Length(7),
        Constraint::Length(8),
    ];
    let rows = lines.iter().map(|line| row(app, line));
    let mut style = Style::new();
    if app.is_stale() {
        style = style.fg(Color::DarkGray);
    }
    let table = Table::new(rows, widths)
        .header(Row::new(titles))
        .style(style)
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let mut state = TableState::new().with_selected(Some(app.selected.min(lines.len().saturating_sub(1))));
    frame.render_stateful_widget(table, area, &mut state);
}

fn row<'a>(app: &App, line: &app::Line<'a>) -> Row<'a> {
    let is_cause = app.tick.verdict.steps.contains(&line.step.name);
    let name = match (is_cause, line.step.paused) {
        (_, true) => format!("{} (paused)", line.name),
        (true, false) => format!("> {}", line.name),
        (false, false) => line.name.clone(),
    };
    let style = if is_cause { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
    let rate = |rate: f64, missing: bool| right(&if missing { "-".to_owned() } else { number(rate) });
    let optional = |value: Option<String>| right(&value.unwrap_or_else(|| "-".to_owned()));
    Row::new([
        Cell::from(name).style(style),
        Cell::from(right(&line.copies)),
        Cell::from(rate(line.input, line.step.source)),
        Cell::from(rate(line.output, line.output == 0.0 && !line.step.source)),
        Cell::from(states(line)),
        Cell::from(queue(line.queue)),
        Cell::from(optional(line.wait.map(time))),
        Cell::from(optional(line.batch.map(number))),
        Cell::from(right(&line.discarded.to_string())),
        Cell::from(right(&line.restarts.to_string())),
    ])
}

fn right(text: &str) -> Line<'static> {
    Line::from(text.to_owned()).right_aligned()
}

fn states(line: &app::Line<'_>) -> Line<'static> {
    let spans = cells(line.times, STATES).into_iter().enumerate().map(|(state, width)| {
        // A source that waits for its input is idle.
        let shown = if line.step.source && state == 1 { 2 } else { state };
        Span::styled(LETTERS[shown].to_string().repeat(width), Style::new().fg(COLOURS[shown]))
    });
    Line::from(spans.collect::<Vec<_>>())
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a picture"
)]
fn queue(queue: Option<(f64, u64)>) -> String {
    let Some((in_flight, room)) = queue else { return "-".to_owned() };
    let full = (fill(in_flight, room) * QUEUE as f64).round() as usize;
    format!("{}{} {in_flight:.0}/{room}", "#".repeat(full), ".".repeat(QUEUE - full))
}
