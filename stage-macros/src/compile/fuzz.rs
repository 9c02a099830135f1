//! Fuzz tests: noise, random pipelines, and random pipelines with mistakes always expand to Rust.
//!
//! `PIPELINE_FUZZ_SECONDS=600 cargo test -p stage-macros --lib fuzz -- --nocapture` runs for that long.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::quote;

use super::compile;

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// Xorshift (Marsaglia, 2003): noise that is the same in every run.
struct Noise(u64);

impl Noise {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("below a usize")
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    fn stream(&mut self, depth: usize) -> TokenStream {
        (0..self.below(12)).map(|_| self.token(depth)).collect()
    }

    /// Returns a word of the language, a name, a number, a punctuation mark, or a group of those.
    fn token(&mut self, depth: usize) -> TokenTree {
        const SIGNS: [char; 11] = [',', ';', ':', '|', '=', '>', '<', '.', '?', '#', '!'];
        const DELIMITERS: [Delimiter; 4] =
            [Delimiter::Brace, Delimiter::Parenthesis, Delimiter::Bracket, Delimiter::None];
        match self.below(8) {
            0 if depth > 0 => Group::new(DELIMITERS[self.below(4)], self.stream(depth - 1)).into(),
            0 => Literal::usize_unsuffixed(self.below(3)).into(),
            1 => Literal::string(self.one_of(&["", "name", "{queue}"])).into(),
            2..=5 => Ident::new(self.one_of(WORDS), Span::call_site()).into(),
            _ => {
                let spacing = if self.below(2) == 0 { Spacing::Alone } else { Spacing::Joint };
                Punct::new(SIGNS[self.below(SIGNS.len())], spacing).into()
            }
        }
    }
}

const WORDS: &[&str] = &[
    "start",
    "step",
    "then",
    "through",
    "finish",
    "broadcast",
    "and",
    "when",
    "merge",
    "partition",
    "across",
    "partitions",
    "by",
    "into",
    "count",
    "name",
    "args",
    "max_demand",
    "min_demand",
    "placement",
    "buffer",
    "keep",
    "dispatcher",
    "rejected",
    "strategy",
    "within",
    "max_restarts",
    "acknowledged",
    "on_failure",
    "dead_letter",
    "skip",
    "retry",
    "rate",
    "filter",
    "some",
    "many",
    "flat_map",
    "at_once",
    "order",
    "at_most",
    "per",
    "any",
    "batch",
    "cancel",
    "transient",
    "restart",
    "Name",
    "queue",
    "pub",
    "where",
    "move",
    "unbounded",
    "first",
    "as",
    "fn",
];

/// Writes correct pipelines, in the words of the grammar.
struct Author<'a> {
    noise: &'a mut Noise,
    text: String,
    names: usize,
}

impl Author<'_> {
    fn pipeline(noise: &mut Noise) -> String {
        let mut author = Author { noise, text: String::new(), names: 0 };
        if author.noise.below(4) == 0 {
            author.text +=
                "/// A part.\n pub P<T: Clone>(queue: Queue, copies: usize): In => Out where T: Send {";
            author.items(2);
            author.step();
        } else if author.noise.below(8) == 0 {
            author.text += "P(queue: Queue, copies: usize) { min_demand: 0,";
            author.item("start", &["Source::new(queue)", "0..3"]);
            author.option(&["", "then |a| a;", "then B::new(copies); then hash;"]);
            author.option(&[
                "then finish drop;",
                "then finish Sink::new(queue);",
                "then finish |a| use_up(a);",
            ]);
        } else {
            author.text += "pub(crate) P(queue: Queue, copies: usize) {";
            author.option(&[
                "max_demand: 100,",
                "name: \"p\",",
                "strategy: one_for_all,",
                "buffer: unbounded,",
                "acknowledged,",
                "acknowledged, cancel: permanent,",
                "",
            ]);
            for _ in 0..=author.noise.below(2) {
                author.item("start", &["Source::new(queue)", "source()?", "{ S }"]);
                if !author.text.contains("acknowledged") {
                    author.option(&["", "", "then |a| a;", "then B::new(copies);"]);
                }
            }
            author.items(3);
            author.ending(2);
        }
        author.text.push('}');
        author.text
    }

    fn option(&mut self, options: &[&str]) {
        let option = self.noise.one_of(options);
        self.text += option;
    }

    /// Writes an item with a name of its own, since names must differ.
    fn item(&mut self, word: &str, recipes: &[&str]) {
        let recipe = self.noise.one_of(recipes);
        self.names += 1;
        let name = self.names;
        write!(self.text, "{word} {recipe}, name: \"n{name}\"").expect("a string takes all");
        if word != "start" {
            self.option(&[
                "",
                ", max_demand: 5",
                ", count: copies",
                ", placement: blocking",
                ", min_demand: 0",
                ", cancel: transient",
            ]);
        }
        self.text += ";";
    }

    fn step(&mut self) {
        if self.noise.below(4) == 0 {
            return self.item("through", &["Other::new(queue)", "other(1)"]);
        }
        if self.noise.below(4) == 0 {
            return self.item(
                "step",
                &[
                    "A, on_failure: skip",
                    "text::parse, on_failure: dead_letter(queue), retry: WAITS",
                    "|a| a.check(), retry: WAITS.attempts(copies), rate: rate()?",
                    "A, on_failure: POLICY, batch: Limits::count(copies), rate: queue",
                    "each(look_up), at_once: 16, order: any",
                    "each(look_up), at_once: auto",
                    "each(look_up), at_once: 4..=64, order: any",
                    "A, at_once: copies, retry: WAITS",
                    "each(call), at_once: 16, at_most: 2, per: |order| order.tenant",
                ],
            );
        }
        self.item(
            "step",
            &[
                "A",
                "A::new(queue)?",
                "|a| a + copies",
                "text::parse",
                "A { b: 1 }",
                "filter |a| a > copies",
                "some check",
                "many move |a| a.all(queue)",
            ],
        );
        for _ in 0..self.noise.below(3) {
            self.option(&["then |a| a;", "then B::new(copies);", "then hash;", "then filter |a| a.b;"]);
        }
    }

    fn items(&mut self, depth: usize) {
        for _ in 0..self.noise.below(4) {
            match self.noise.below(5) {
                0 if depth > 0 => {
                    self.broadcast(depth - 1, Self::items);
                    self.text += "merge;";
                }
                1 if depth > 0 => {
                    self.partition(depth - 1, Self::some_items);
                    self.text += "merge;";
                }
                _ => self.step(),
            }
        }
    }

    fn some_items(&mut self, depth: usize) {
        self.step();
        self.items(depth);
    }

    fn ending(&mut self, depth: usize) {
        match self.noise.below(5) {
            0 if depth > 0 => self.broadcast(depth - 1, Self::way_out),
            1 if depth > 0 => self.partition(depth - 1, Self::way_out),
            2 => {
                self.item("step", &["A", "|a| a"]);
                self.option(&[
                    "then finish drop;",
                    "then finish Sink::new(queue);",
                    "then finish |a| use_up(a);",
                ]);
            }
            _ => self.item("finish", &["drop", "Sink::new(queue)", "|a| use_up(a)", "Sink"]),
        }
    }

    fn way_out(&mut self, depth: usize) {
        self.items(depth);
        self.ending(depth);
    }

    fn broadcast(&mut self, depth: usize, branch: fn(&mut Self, usize)) {
        self.text += "broadcast ";
        for number in 0..2 + self.noise.below(2) {
            self.text += if number > 0 { " and " } else { "" };
            self.option(&["", "when (|a| a.is_large) ", "when (is_small) "]);
            self.text.push('{');
            branch(self, depth);
            self.text.push('}');
        }
    }

    fn partition(&mut self, depth: usize, lane: fn(&mut Self, usize)) {
        self.text += "partition ";
        self.option(&["by |a| a.key, into 4 {", "by hash, into copies {", "by A::key, into LANES * 2 {"]);
        lane(self, depth);
        self.text.push('}');
    }
}

/// Makes one mistake: a token is missing, doubled, swapped, replaced or added, or a group is left open.
fn slip(tokens: TokenStream, noise: &mut Noise) -> TokenStream {
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    if tokens.is_empty() {
        return [noise.token(1)].into_iter().collect();
    }
    let at = noise.below(tokens.len());
    if let TokenTree::Group(group) = &tokens[at]
        && noise.below(5) > 0
    {
        tokens[at] = Group::new(group.delimiter(), slip(group.stream(), noise)).into();
        return tokens.into_iter().collect();
    }
    match noise.below(6) {
        0 => drop(tokens.remove(at)),
        1 => tokens.insert(at, tokens[at].clone()),
        2 => {
            let other = noise.below(tokens.len());
            tokens.swap(at, other);
        }
        3 => tokens[at] = noise.token(2),
        4 => tokens.insert(at, noise.token(2)),
        _ => {
            if let TokenTree::Group(group) = tokens.remove(at) {
                tokens.splice(at..at, group.stream());
            }
        }
    }
    tokens.into_iter().collect()
}

/// Runs `number` cases, or as many as fit into the time from the environment.
fn cases(kind: &str, number: u64, mut case: impl FnMut(&mut Noise)) {
    let seconds = std::env::var("PIPELINE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let long = seconds.map(Duration::from_secs);
    let mut noise = Noise(SEED);
    let (began, mut done, mut slowest) = (Instant::now(), 0_u64, Duration::ZERO);
    while long.map_or(done < number, |long| began.elapsed() < long) {
        let start = Instant::now();
        case(&mut noise);
        slowest = slowest.max(start.elapsed());
        done += 1;
    }
    println!("{kind}: {done} cases, the slowest in {slowest:?}");
}

/// Compiles the input, and checks that the result is Rust.
fn compiled(input: TokenStream) -> String {
    let text = input.to_string();
    let output = compile(input, None);
    let read = syn::parse2::<syn::File>(output.clone());
    assert!(read.is_ok(), "{:?} in the expansion of\n{text}\nwhich is\n{output}", read.err());
    output.to_string()
}

#[test]
fn noise_becomes_rust() {
    cases("noise", 3_000, |noise| {
        let whole = noise.stream(3);
        compiled(whole);
        let body = noise.stream(3);
        compiled(quote!(pub P(queue: Queue) { start Queue; #body finish drop; }));
    });
}

#[test]
fn pipelines_by_the_grammar_are_right() {
    cases("right", 500, |noise| {
        let text = Author::pipeline(noise);
        let output = compiled(text.parse().expect("tokens"));
        assert!(!output.contains("compile_error"), "{text}\nbecomes\n{output}");
    });
}

#[test]
fn pipelines_with_slips_become_rust() {
    cases("slips", 1_500, |noise| {
        let mut tokens: TokenStream = Author::pipeline(noise).parse().expect("tokens");
        for _ in 0..=noise.below(3) {
            tokens = slip(tokens, noise);
        }
        compiled(tokens);
    });
}
