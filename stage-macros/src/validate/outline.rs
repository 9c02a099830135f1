//! Order of the items: a pipeline has sources first, and every path has an end.

use proc_macro2::Span;

use crate::error::Errors;
use crate::model::{Kind, Mark, Outline};
use crate::words::Role;

/// Checks only the words of the items, so that an item which could not be read still counts. `part` is the
/// colon of `: In => Out`.
pub(super) fn check(outline: &Outline, part: Option<Span>, errors: &mut Errors) {
    let place = if part.is_some() { Place::Part } else { Place::Whole };
    let (Some(first), Some(last)) = (outline.marks.first(), outline.marks.last()) else {
        return;
    };
    let has_start = outline.marks.iter().any(|mark| mark.is(Role::Start));
    let known = outline
        .marks
        .iter()
        .all(|mark| !matches!(mark.kind, Kind::Unknown | Kind::Fork { complete: false, .. }));
    if place == Place::Whole && !has_start && known {
        errors.at_span(first.word, "a pipeline begins with `start`: write `start <producer>;` before this");
    }
    let begin = if place == Place::Whole && has_start { Flow::Nothing } else { Flow::Events };
    let mut line = Line { place, flow: begin, head: None, starts: 0, errors };
    line.walk(outline);
    match (line.flow, place) {
        (Flow::Events, Place::Whole) if known && last.is(Role::Across) => {
            errors.at_span(last.word, "nothing takes the events behind this edge: write the steps behind it, and a `finish`, after this");
        }
        (Flow::Events | Flow::Nothing, Place::Whole) if known => {
            errors.at_span(last.word, "a pipeline ends with `finish`: nothing consumes the output of this item; write `finish <consumer>;` after it");
        }
        (Flow::Ended(_), Place::Part) if known => {
            errors.at_span(last.word, "a pipeline `: In => Out` has no output if every branch ends: leave one without its `finish`, and write `merge;`");
        }
        _ => {}
    }
}

/// The owner of the items.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Whole,
    /// A pipeline for use with `through`.
    Part,
    Branch,
}

/// The output of the items so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Nothing,
    Events,
    /// Unknown, because an item could not be read.
    Anything,
    /// Events of branches that have not been merged: of the junction with this word.
    Branches(&'static str),
    /// None, after this word.
    Ended(&'static str),
}

/// The state of the walk along the items.
struct Line<'a> {
    place: Place,
    flow: Flow,
    /// The last item that a `then` could extend.
    head: Option<Role>,
    /// Number of sources so far.
    starts: usize,
    errors: &'a mut Errors,
}

impl Line<'_> {
    fn walk(&mut self, outline: &Outline) {
        let mut fork = None;
        for (index, mark) in outline.marks.iter().enumerate() {
            let before = index.checked_sub(1).map(|before| &outline.marks[before]);
            if let (Flow::Branches(word), Kind::Stage(_) | Kind::Fork { .. }, Some(at)) =
                (self.flow, &mark.kind, fork)
            {
                self.errors.at_span(at, apart(word));
                self.flow = Flow::Events;
            }
            match &mark.kind {
                Kind::Stage(role) => self.stage(*role, mark, before),
                Kind::Merge => self.merge(mark),
                Kind::Fork { word, branches, complete } => {
                    fork = Some(mark.word);
                    self.fork(mark, word, branches, *complete);
                }
                Kind::Unknown if self.flow != Flow::Nothing => self.flow = Flow::Anything,
                Kind::Unknown => {}
            }
        }
        if let (Flow::Branches(word), Some(at)) = (self.flow, fork) {
            self.errors.at_span(at, apart(word));
            self.flow = Flow::Ended(word);
        }
    }

    fn stage(&mut self, role: Role, mark: &Mark, before: Option<&Mark>) {
        let word = role.word();
        let wrong = match (role, self.flow) {
            (Role::Start, _) if self.place == Place::Part => Some("a pipeline `: In => Out` gets its events from the pipeline that uses it: remove the `start`, or the `: In => Out`".to_owned()),
            (Role::Start, _) if self.place == Place::Branch => Some("a `start` within a branch: its events come from before the branch; put the `start` before the first item".to_owned()),
            (Role::Start, Flow::Nothing) => {
                self.flow = Flow::Events;
                None
            }
            (Role::Start, Flow::Events) if self.head == Some(Role::Start) => None,
            (Role::Start, _) => Some("a second `start` after other items: write all sources in a row, before the other items".to_owned()),
            (_, Flow::Nothing) => Some(format!("`{word}` before `start`: it has no input here; move it after the `start`")),
            (_, Flow::Ended(end)) if role == Role::Finish && end == "finish" => Some("a second `finish`: write `broadcast { … } and { … }` for branches with ends of their own, make the first one a `step`, or declare a second pipeline".to_owned()),
            (_, Flow::Ended("finish")) => Some(format!("`{word}` after `finish`: a `finish` emits no events; move it before the `finish`")),
            (_, Flow::Ended(fork)) => Some(format!("`{word}` after a `{fork}` whose branches all end: leave one without its `finish`, and write `merge;` before this")),
            (Role::Finish | Role::ThenFinish, _) if self.place == Place::Part => Some("a pipeline `: In => Out` emits its events to the pipeline that uses it: remove the `finish`, or the `: In => Out`".to_owned()),
            (Role::Then | Role::ThenFinish, _) if !self.can_be_fused(before) => Some("`then` adds to the stage of the `start` or `step` before it: put it directly behind one, or make it a `step`".to_owned()),
            (Role::ThenFinish, _) if self.head == Some(Role::Start) && self.starts > 1 => Some("`then finish` extends the `start` before it, and the other sources have no consumer: write `finish`, which takes the events of all of them".to_owned()),
            (Role::Finish | Role::ThenFinish, _) => {
                self.flow = Flow::Ended("finish");
                None
            }
            (Role::Step | Role::Then | Role::Through | Role::Across, _) => None,
        };
        if let Some(message) = wrong {
            self.errors.at_span(mark.word, message);
        }
        if role == Role::ThenFinish && self.flow != Flow::Nothing {
            self.flow = Flow::Ended("finish");
        }
        self.starts += usize::from(role == Role::Start);
        if !matches!(role, Role::Then | Role::ThenFinish) {
            self.head = Some(role);
        }
    }

    /// Returns whether a stage directly before this item can be extended.
    fn can_be_fused(&self, before: Option<&Mark>) -> bool {
        let beside = before.is_some_and(|before| matches!(before.kind, Kind::Stage(_)));
        beside && matches!(self.head, Some(Role::Start | Role::Step))
    }

    fn merge(&mut self, mark: &Mark) {
        let message = match self.flow {
            Flow::Branches(_) | Flow::Anything => {
                self.flow = Flow::Events;
                return;
            }
            Flow::Ended(fork) if fork != "finish" => {
                "`merge` after branches that all end: leave one without its `finish`, or remove the `merge`"
            }
            _ => "`merge` without branches: put it after a `broadcast` or a `partition`",
        };
        self.errors.at_span(mark.word, message);
        if self.flow != Flow::Nothing {
            self.flow = Flow::Anything;
        }
    }

    fn fork(&mut self, mark: &Mark, word: &'static str, branches: &[Outline], complete: bool) {
        let message = match self.flow {
            Flow::Nothing => {
                Some(format!("`{word}` before `start`: it has no input here; move it after the `start`"))
            }
            Flow::Ended(end) => {
                Some(format!("`{word}` after `{end}`: nothing is emitted there; move it before"))
            }
            Flow::Events | Flow::Anything | Flow::Branches(_) => None,
        };
        if let Some(message) = message {
            self.errors.at_span(mark.word, message);
        }
        if complete && word == "partition" && branches.iter().all(|branch| branch.marks.is_empty()) {
            self.errors.at_span(
                mark.word,
                "a `partition` without steps changes nothing: write at least one `step` into its braces",
            );
        }
        let (mut comes_back, mut unknown) = (false, false);
        for branch in branches {
            let (place, flow, errors) = (Place::Branch, Flow::Events, &mut *self.errors);
            let mut line = Line { place, flow, head: None, starts: 0, errors };
            line.walk(branch);
            unknown |= line.flow == Flow::Anything;
            comes_back |= !matches!(line.flow, Flow::Ended(_) | Flow::Anything);
        }
        self.flow = match (comes_back, complete && !unknown) {
            (true, true) => Flow::Branches(word),
            (false, true) => Flow::Ended(word),
            (_, false) => Flow::Anything,
        };
    }
}

impl Mark {
    fn is(&self, role: Role) -> bool {
        matches!(self.kind, Kind::Stage(this) if this == role)
    }
}

fn apart(word: &str) -> &'static str {
    match word {
        "partition" => {
            "the parts of this `partition` have separate outputs: write `merge;` after it, or end them with a `finish`"
        }
        _ => {
            "a branch of this `broadcast` has no `finish`: write `merge;` after it, or end every branch with a `finish`"
        }
    }
}
