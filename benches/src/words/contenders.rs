//! Contenders of the word count: this project, hand-written threads, and rayon, each result checked against
//! the text.

use std::{
    cell::OnceCell,
    error::Error,
    fs, io,
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

use super::{Key, Packed, Text, hand, rayon_chunks, rayon_lines, text::Sum, us};
use crate::{
    catalogue::Scale,
    workload::{Contender, Peer, Unit, Workload},
};

/// The text, made at first use.
#[derive(Debug)]
struct Input {
    bytes: u64,
    text: OnceCell<Text>,
    in_memory: OnceCell<String>,
}

impl Input {
    fn text(&self) -> io::Result<&Text> {
        if let Some(text) = self.text.get() {
            return Ok(text);
        }
        let text = Text::write(self.bytes)?;
        Ok(self.text.get_or_init(|| text))
    }

    fn in_memory(&self) -> io::Result<&str> {
        if let Some(text) = self.in_memory.get() {
            return Ok(text);
        }
        let text = fs::read_to_string(self.text()?.path())?;
        Ok(self.in_memory.get_or_init(|| text))
    }

    /// Counts the words repeatedly with `count`, and checks each result.
    fn rounds<K: Key, C: IntoIterator<Item = (K, u64)>>(
        &self,
        times: u64,
        count: impl Fn() -> Result<C, Box<dyn Error>>,
    ) -> Result<Duration, Box<dyn Error>> {
        let mut took = Duration::ZERO;
        for _ in 0..times {
            let began = Instant::now();
            let counts = count()?;
            took += began.elapsed();
            let mut sum = Sum::default();
            counts.into_iter().for_each(|(word, count)| sum.add(&word.word(), count));
            self.text()?.check(sum)?;
        }
        Ok(took)
    }
}

/// Returns `words/str` and `words/inline`.
pub fn workloads(scale: Scale) -> Vec<Workload> {
    workloads_of(match scale {
        Scale::Full => 200_000_000,
        Scale::Tenth => 20_000_000,
    })
}

fn workloads_of(bytes: u64) -> Vec<Workload> {
    let input = Rc::new(Input { bytes, text: OnceCell::new(), in_memory: OnceCell::new() });
    // The text has whole lines, so it is slightly larger, by less than can be measured.
    let unit = Unit::Rate("bytes/s", crate::workload::as_figure(bytes));
    let workload =
        |name: &str, us, peers| Workload { name: format!("words/{name}"), unit, least: 1, us, peers };
    let mut str_peers = rayon::<Box<[u8]>>(&input);
    str_peers.push(by_hand::<Box<[u8]>>(&input, 1.5));
    #[cfg(feature = "peers")]
    str_peers.push(of_file("timely", &input, None, |path| Ok(super::timely::count(path)?)));
    #[cfg(feature = "renoir")]
    str_peers.push(of_file("renoir", &input, Some(2.0), |path| Ok(super::renoir::count(path))));
    vec![
        workload("str", ours::<Box<[u8]>>(&input), str_peers),
        workload("inline", ours::<Packed>(&input), vec![by_hand::<Packed>(&input, 0.9)]),
    ]
}

fn ours<K: Key>(input: &Rc<Input>) -> Contender {
    let input = Rc::clone(input);
    Contender::new("us", move |runtime: &Runtime, times| {
        let path = input.text()?.path();
        input.rounds(times, || Ok(runtime.block_on(us::count::<K>(path))?))
    })
}

fn by_hand<K: Key>(input: &Rc<Input>, at_least: f64) -> Peer {
    of_file("hand", input, Some(at_least), |path| Ok(hand::count::<K>(path)?))
}

/// Returns a contender that reads the file itself.
fn of_file<K: Key, C: IntoIterator<Item = (K, u64)> + 'static>(
    name: &'static str,
    input: &Rc<Input>,
    at_least: Option<f64>,
    count: fn(&Path) -> Result<C, Box<dyn Error>>,
) -> Peer {
    let input = Rc::clone(input);
    let contender = Contender::new(name, move |_, times| {
        let path = input.text()?.path();
        input.rounds(times, || count(path))
    });
    Peer { contender, at_least }
}

fn rayon<K: Key>(input: &Rc<Input>) -> Vec<Peer> {
    let (lines, chunks) = (Rc::clone(input), Rc::clone(input));
    let lines = Contender::new("rayon-lines", move |_, times| {
        let text = lines.in_memory()?;
        lines.rounds(times, || Ok(rayon_lines::count::<K>(text)))
    });
    let chunks = Contender::new("rayon-chunks", move |_, times| {
        let text = chunks.in_memory()?;
        chunks.rounds(times, || Ok(rayon_chunks::count::<K>(text.as_bytes())))
    });
    [lines, chunks].map(|contender| Peer { contender, at_least: Some(1.0) }).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::runtime;

    #[test]
    fn every_contender_counts_right() {
        let runtime = runtime().unwrap();
        for workload in workloads_of(1_000_000) {
            workload.us.round(&runtime, 1).unwrap();
            for peer in &workload.peers {
                peer.contender.round(&runtime, 1).unwrap();
            }
        }
    }
}
