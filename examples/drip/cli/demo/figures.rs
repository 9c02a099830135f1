//! The table at the end of the demonstration.

use std::time::Duration;

use super::command::Figures;
use crate::report::{Align, StageRow, Summary, Table, bytes, count, duration, rate};

/// Returns the steps of both pipelines, named after their pipelines.
pub(super) fn all_stages(up: &Summary, down: &Summary) -> Vec<StageRow> {
    let named = |pipeline: &'static str, summary: &Summary| {
        let rows = summary.stages.clone().into_iter();
        rows.map(move |row| StageRow { name: format!("{pipeline}.{}", row.name), ..row }).collect::<Vec<_>>()
    };
    [named("upload", up), named("download", down)].concat()
}

/// Formats both tables.
pub(super) fn words(figures: &Figures) -> String {
    format!("{}\n{}", totals(figures), stages(figures))
}

fn totals(figures: &Figures) -> Table {
    let (up, down) = (&figures.up, &figures.down);
    let mut table = Table::new([("", Align::Left), ("up", Align::Right), ("down", Align::Right)]);
    let mut row = |name: &str, show: &dyn Fn(&Summary) -> String| {
        table.row([name.to_owned(), show(up), show(down)]);
    };
    row("files", &|summary| count(summary.files));
    row("bytes", &|summary| bytes(summary.bytes));
    row("failed", &|summary| count(summary.failed));
    row("time", &|summary| duration(time(summary)));
    row("rate", &|summary| rate(summary.bytes, time(summary)));
    table.row(["cache hits".into(), "-".into(), count(figures.cache_hits)]);
    let equal = format!("{} of {}", count(figures.equal), count(figures.up.files));
    table.row(["equal".into(), "-".into(), equal]);
    table
}

fn stages(figures: &Figures) -> Table {
    let mut table = Table::new([
        ("stage", Align::Left),
        ("copies", Align::Right),
        ("events in", Align::Right),
        ("events out", Align::Right),
        ("batches", Align::Right),
        ("demand", Align::Right),
        ("busy", Align::Right),
    ]);
    for row in all_stages(&figures.up, &figures.down) {
        table.row([
            row.name,
            row.copies.to_string(),
            count(row.events_in),
            count(row.events_out),
            count(row.batches),
            count(row.demand),
            format!("{:.0} %", row.busy_share * 100.0),
        ]);
    }
    table
}

fn time(summary: &Summary) -> Duration {
    Duration::try_from_secs_f64(summary.seconds).unwrap_or_default()
}
