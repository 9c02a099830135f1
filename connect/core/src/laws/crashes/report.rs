//! The messages that were handled more than once, and the kills that explain them.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use super::crash::{Cause, Crash};
use super::log::Line;
use crate::laws::scale::Scale;

/// The number of messages of one client between a message and a kill, up to which the kill may explain that the message
/// came again. [`Report::expect_explained`] takes the number for a server.
const UNRECORDED: usize = 10_000;

/// The number of times that messages were handled, and the reasons for repetitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The size of the run.
    pub scale: Scale,
    /// Handled again, because a client was killed that had handled the message.
    pub by_client_kills: usize,
    /// Handled again, because the server was killed before it had recorded the acknowledgement.
    pub by_server_kills: usize,
    /// Handled again for no reason that is known here.
    pub unexplained: Vec<Repetition>,
    crashes: Vec<Crash>,
    /// The most messages of one client between a repeated message and the kill that explains it.
    pub farthest: usize,
    /// The time of the whole run.
    pub took: Duration,
}

/// A message that was handled again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repetition {
    /// The number of the message.
    pub message: u32,
    /// The number of the client, and the line of the log, of the time before.
    pub before: (u32, usize),
    /// The number of the client, and the line of the log, of this time.
    pub again: (u32, usize),
}

impl Report {
    /// `started` has the number of crashes before the start of each client.
    pub(super) fn new(
        lines: &[Line],
        crashes: &[Crash],
        started: &[usize],
        scale: Scale,
        took: Duration,
    ) -> Self {
        let mut report = Self {
            scale,
            by_client_kills: 0,
            by_server_kills: 0,
            unexplained: Vec::new(),
            crashes: crashes.to_vec(),
            farthest: 0,
            took,
        };
        let mut places = HashMap::new();
        let mut of: HashMap<u32, Vec<usize>> = HashMap::new();
        for (place, line) in lines.iter().enumerate() {
            of.entry(line.client).or_default().push(place);
        }
        let by = Clients { lines, of, started };
        for (again, line) in lines.iter().enumerate() {
            if let Some(first) = places.insert(line.message, again) {
                report.explain(first, again, &by, crashes);
            }
        }
        report
    }

    fn explain(&mut self, first: usize, again: usize, by: &Clients<'_>, crashes: &[Crash]) {
        let nearest = crashes
            .iter()
            .enumerate()
            .filter(|(_, crash)| crash.at <= again)
            .filter_map(|(number, crash)| Some((by.distance(first, number, crash)?, crash.cause)))
            .filter(|(distance, _)| *distance <= UNRECORDED)
            .min_by_key(|(distance, _)| *distance);
        match nearest {
            None => {
                let at = |line: usize| (by.lines[line].client, line);
                let message = by.lines[first].message;
                self.unexplained.push(Repetition { message, before: at(first), again: at(again) });
            }
            Some((distance, cause)) => {
                self.farthest = self.farthest.max(distance);
                match cause {
                    Cause::Client(_) => self.by_client_kills += 1,
                    Cause::Server => self.by_server_kills += 1,
                }
            }
        }
    }

    /// Prints the report, and requires that a kill explains each repetition: at most `unrecorded` messages of one client lie
    /// between, as many as are handled before the server has recorded their acknowledgements. Apart from that, `others` may
    /// come again, for a reason that the server has: without knowledge of ids, it stores messages again when it is killed
    /// before it confirms them.
    ///
    /// # Panics
    ///
    /// If more messages came again.
    pub fn expect_explained(&self, unrecorded: usize, others: usize) {
        println!("{self}");
        assert!(self.farthest <= unrecorded, "{self}, although at most {unrecorded} are not recorded");
        let count = self.unexplained.len();
        assert!(count <= others, "{self}: {:?}, {:?}", self.unexplained, self.crashes);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scale { messages, client_kills, server_kills, .. } = self.scale;
        write!(
            f,
            "{messages} messages in {:.1} s, {client_kills} clients and {server_kills} servers killed: 0 lost; handled \
             again: {} after kills of clients, {} after kills of the server, {} without a kill; at most {} of one \
             client lay in between",
            self.took.as_secs_f64(),
            self.by_client_kills,
            self.by_server_kills,
            self.unexplained.len(),
            self.farthest,
        )
    }
}

/// The lines of the log.
struct Clients<'a> {
    lines: &'a [Line],
    /// The places of the lines of each client.
    of: HashMap<u32, Vec<usize>>,
    /// The number of crashes before the start of each client.
    started: &'a [usize],
}

impl Clients<'_> {
    /// Returns the number of lines of the same client between a line and a crash that concerns it, the one with this
    /// number.
    fn distance(&self, line: usize, number: usize, crash: &Crash) -> Option<usize> {
        let client = self.lines[line].client;
        if matches!(crash.cause, Cause::Client(killed) if killed != client) {
            return None;
        }
        let place = self.before(client, line + 1);
        if line >= crash.back {
            if self.started.get(client as usize).is_some_and(|before| *before > number) {
                return None;
            }
            // The client had received the message before the server was killed.
            return Some(place - self.before(client, crash.back));
        }
        Some(self.before(client, crash.at).saturating_sub(place))
    }

    /// Returns the number of lines of a client before a place in the log.
    fn before(&self, client: u32, place: usize) -> usize {
        self.of.get(&client).map_or(0, |of| of.partition_point(|line| *line < place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(lines: &[(u32, u32)], crashes: &[Crash]) -> Report {
        started(lines, crashes, &[])
    }

    fn started(lines: &[(u32, u32)], crashes: &[Crash], started: &[usize]) -> Report {
        let lines: Vec<_> = lines.iter().map(|&(client, message)| Line { client, message }).collect();
        Report::new(&lines, crashes, started, Scale::from_env(), Duration::ZERO)
    }

    #[test]
    fn a_repetition_is_explained_by_the_kill_of_its_client_or_of_the_server() {
        let client = Crash { cause: Cause::Client(0), at: 2, back: 2 };
        let lines = [(0, 1), (0, 2), (1, 3), (1, 2)];
        let killed = report(&lines, &[client]);
        assert_eq!((killed.by_client_kills, killed.by_server_kills), (1, 0));
        killed.expect_explained(1, 0);
        let server = Crash { cause: Cause::Server, at: 3, back: 3 };
        let restarted = report(&lines, &[server]);
        assert_eq!((restarted.by_client_kills, restarted.by_server_kills), (0, 1));
        restarted.expect_explained(0, 0);
        // One message of the client lies between.
        let server = Crash { cause: Cause::Server, at: 3, back: 3 };
        let earlier = report(&[(0, 2), (0, 1), (1, 3), (1, 2)], &[server]);
        assert_eq!((earlier.by_server_kills, earlier.farthest), (1, 1));
        assert!(std::panic::catch_unwind(|| earlier.expect_explained(0, 0)).is_err());
        // Received before the server was killed, and handled afterwards.
        let late = report(&[(0, 1), (0, 2), (0, 2)], &[Crash { cause: Cause::Server, at: 1, back: 1 }]);
        assert_eq!(late.by_server_kills, 1);
    }

    #[test]
    fn a_repetition_without_a_kill_is_unexplained() {
        let other = Crash { cause: Cause::Client(1), at: 2, back: 2 };
        let later = Crash { cause: Cause::Server, at: 4, back: 4 };
        let repeated = report(&[(0, 1), (1, 2), (0, 3), (0, 1)], &[other, later]);
        let repetition = Repetition { message: 1, before: (0, 0), again: (0, 3) };
        assert_eq!(repeated.unexplained, [repetition]);
        // The client was started after the crash.
        let server = Crash { cause: Cause::Server, at: 1, back: 1 };
        let lines = [(0, 1), (2, 2), (2, 2)];
        assert_eq!(started(&lines, &[server], &[0, 0, 1]).unexplained.len(), 1);
        assert_eq!(started(&lines, &[server], &[0, 0, 0]).by_server_kills, 1);
        // Too long ago.
        let mut lines = vec![(0, 0)];
        lines.extend((1..20_000).map(|message| (0, message)));
        lines.push((1, 0));
        let crash = Crash { cause: Cause::Client(0), at: 20_000, back: 20_000 };
        let repeated = report(&lines, &[crash]);
        assert_eq!(repeated.unexplained.len(), 1);
        assert!(std::panic::catch_unwind(|| repeated.expect_explained(10_000, 0)).is_err());
    }
}
