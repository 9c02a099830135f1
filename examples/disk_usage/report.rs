//! The output: tables with bars, or one JSON object.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::time::Duration;

use drip::report::{Align, Table, bar, bytes, count, duration, share, shown};
use serde::Serialize;

use super::args::{Args, Rank};
use super::entry_facts::AGES;
use super::queries::Owner;
use super::totals::Totals;
use super::usage::Usage;

/// Length of the longest bar, in characters.
const BAR: u64 = 30;

/// All results.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    directory: String,
    #[serde(flatten)]
    all: Usage,
    /// The part of the total that directories use.
    directories: Usage,
    problems: usize,
    seconds: f64,
    owners: Vec<OwnerRow>,
    extensions: Vec<Row>,
    ages: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct OwnerRow {
    uid: u32,
    user: Option<String>,
    #[serde(flatten)]
    usage: Usage,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    #[serde(flatten)]
    usage: Usage,
}

impl Report {
    pub(crate) fn new(args: &Args, totals: &Totals, owners: Vec<Owner>, time: Duration) -> Self {
        let mut extensions: Vec<_> =
            totals.kinds.iter().map(|(name, usage)| Row { name: name.clone(), usage: *usage }).collect();
        extensions.sort_by_key(|row| (Reverse(row.usage.rank(args.by)), row.name.clone()));
        let ages = AGES.iter().zip(totals.ages);
        Self {
            directory: shown(&args.directory),
            all: totals.all,
            directories: totals.directories,
            problems: totals.problems.len(),
            seconds: time.as_secs_f64(),
            owners: owners
                .into_iter()
                .map(|Owner { uid, user, usage }| OwnerRow { uid, user, usage })
                .collect(),
            extensions,
            ages: ages.map(|((_, name), usage)| Row { name: (*name).to_owned(), usage }).collect(),
        }
    }

    /// Formats the report on one line.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self)
            .map_or_else(|error| format!("{{\"error\":\"{error}\"}}\n"), |text| text + "\n")
    }

    /// Formats three tables and a total.
    pub(crate) fn to_text(&self, args: &Args) -> String {
        let name = |owner: &OwnerRow| owner.user.clone().unwrap_or_else(|| owner.uid.to_string());
        let owners = self.owners.iter().map(|owner| (name(owner), owner.usage)).collect();
        let named = |rows: &[Row]| rows.iter().map(|row| (row.name.clone(), row.usage)).collect();
        let mut text = String::new();
        for (title, rows) in
            [("OWNER", owners), ("EXTENSION", named(&self.extensions)), ("CHANGED", named(&self.ages))]
        {
            // Ages are always shown completely and in their own order.
            let top = if title == "CHANGED" { usize::MAX } else { args.top.max(1) };
            let _ = writeln!(text, "{}", table(title, rows, top, self.all, args.by));
        }
        let _ = writeln!(
            text,
            "{}: {} allocated, {} apparent, {} ({}), read in {}",
            self.directory,
            bytes(self.all.allocated),
            bytes(self.all.apparent),
            many(self.all.entries, "entry", "entries"),
            many(self.directories.entries, "directory", "directories"),
            duration(Duration::from_secs_f64(self.seconds)),
        );
        if self.problems > 0 {
            let _ = writeln!(text, "incomplete: {} could not be read", count(self.problems as u64));
        }
        text
    }
}

fn many(number: u64, one: &str, more: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { more })
}

fn table(title: &str, mut rows: Vec<(String, Usage)>, top: usize, all: Usage, by: Rank) -> Table {
    if rows.len() > top {
        let mut rest = Usage::default();
        let others = rows.split_off(top);
        for (_, usage) in &others {
            rest += *usage;
        }
        rows.push((format!("{} others", others.len()), rest));
    }
    let right = Align::Right;
    let columns = [
        (title, Align::Left),
        ("ALLOCATED", right),
        ("APPARENT", right),
        ("ENTRIES", right),
        ("SHARE", right),
        ("", Align::Left),
    ];
    let most = rows.iter().map(|(_, usage)| usage.rank(by)).max().unwrap_or_default();
    let mut table = Table::new(columns);
    for (name, usage) in rows {
        let rank = usage.rank(by);
        table.row([
            name,
            bytes(usage.allocated),
            bytes(usage.apparent),
            count(usage.entries),
            share(rank, all.rank(by)),
            bar(rank, most, BAR),
        ]);
    }
    table
}
