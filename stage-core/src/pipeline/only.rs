//! The parts of a pipeline between its edges, and the choice of those that a process runs.

use std::fmt;
use std::str::FromStr;

use super::describe::{LinkKind, Topology};
use super::draft::{Draft, Edge};
use super::pipeline::Pipeline;
use crate::base::option_error::OptionError;

/// Some parts of a pipeline that is cut by [edges](super::Across): those that a process runs, see
/// [`Pipeline::only`].
///
/// The text form, as in a configuration, is `all`, `before orders`, `behind orders`, or several of these joined by
/// `and`:
///
/// ```
/// use stage_core::pipeline::Parts;
///
/// let middle: Parts = "behind orders and before sums".parse()?;
/// assert_eq!(middle, Parts::behind("orders").and(Parts::before("sums")));
/// assert_eq!(middle.to_string(), "behind orders and before sums");
/// # Ok::<(), stage_core::pipeline::PartsError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Parts {
    /// A part must be within all of them.
    limits: Vec<(Side, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Before,
    Behind,
}

/// A text that names no parts of a pipeline.
///
/// ```
/// use stage_core::pipeline::{Parts, PartsError};
///
/// let error: PartsError = "beside orders".parse::<Parts>().unwrap_err();
/// assert_eq!(error.text, "beside orders");
/// ```
#[derive(Clone, PartialEq, Eq, stage_macros::ErrorDebug, stage_macros::Error)]
#[error("`{text}` names no parts of a pipeline: expected {LEGAL}")]
pub struct PartsError {
    /// The text.
    pub text: String,
}

/// The text forms.
pub(crate) const LEGAL: &str = "`all`, `before EDGE` or `behind EDGE`, several joined by `and`";

impl Parts {
    /// Returns all parts, which is the default.
    ///
    /// ```
    /// use stage_core::pipeline::Parts;
    ///
    /// assert_eq!(Parts::all().to_string(), "all");
    /// assert_eq!("all".parse(), Ok(Parts::all()));
    /// ```
    pub fn all() -> Self {
        Self::default()
    }

    /// Returns the parts before an edge, including its sink.
    pub fn before(edge: impl Into<String>) -> Self {
        Self { limits: vec![(Side::Before, edge.into())] }
    }

    /// Returns the parts behind an edge, including its source.
    pub fn behind(edge: impl Into<String>) -> Self {
        Self { limits: vec![(Side::Behind, edge.into())] }
    }

    /// Returns the parts that are among these and among `others`: for a part between two edges.
    #[inline]
    pub fn and(mut self, others: Self) -> Self {
        self.limits.extend(others.limits);
        self
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (side, edge)) in self.limits.iter().enumerate() {
            let side = match side {
                Side::Before => "before",
                Side::Behind => "behind",
            };
            write!(f, "{}{side} {edge}", if number > 0 { " and " } else { "" })?;
        }
        if self.limits.is_empty() { f.write_str("all") } else { Ok(()) }
    }
}

impl FromStr for Parts {
    type Err = PartsError;

    #[inline]
    fn from_str(text: &str) -> Result<Self, PartsError> {
        let mut parts = Self::all();
        for limit in text.split(" and ").map(str::trim) {
            let limit = match limit.split_once(char::is_whitespace) {
                None if limit == "all" => Self::all(),
                Some(("before", edge)) => Self::before(edge.trim_start()),
                Some(("behind", edge)) => Self::behind(edge.trim_start()),
                _ => return Err(PartsError { text: text.to_owned() }),
            };
            parts = parts.and(limit);
        }
        Ok(parts)
    }
}

impl Pipeline {
    /// Starts only some parts of a pipeline that is cut by [edges](super::Chain::across), on a machine with a role of its
    /// own. Without it, a process runs all parts. The last call applies; a configuration may set `parts` instead.
    ///
    /// [`topology`](Self::topology) still returns all steps; that of the running pipeline has those of the chosen parts.
    /// An unknown edge is an error of [`start`](Self::start).
    ///
    /// ```no_run
    /// # use stage_core::pipeline::Parts;
    /// # async fn run(pipeline: stage_core::Pipeline) -> Result<(), stage_core::BoxError> {
    /// let workers = pipeline.only(Parts::behind("orders")).start().await?;
    /// # workers.join().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn only(mut self, parts: Parts) -> Self {
        self.draft.parts = parts;
        self
    }
}

impl Draft {
    /// Returns the number of each step's part, if it is one of the chosen parts.
    pub(super) fn chosen(&self, parts: &Parts) -> Result<Vec<Option<usize>>, OptionError> {
        let part_of = self.part_of_steps();
        let mut chosen = vec![true; part_of.len()];
        for (side, name) in &parts.limits {
            let edge = self.edge(name)?;
            let (before, behind) = (part_of[edge.out], part_of[edge.into]);
            let upstream = self.reached(&part_of, before, |edge| (edge.into, edge.out));
            if upstream.contains(&behind) {
                return Err(OptionError::JoinedParts { edge: name.clone() });
            }
            let within = match side {
                Side::Before => upstream,
                Side::Behind => self.reached(&part_of, behind, |edge| (edge.out, edge.into)),
            };
            chosen.iter_mut().zip(&part_of).for_each(|(chosen, part)| *chosen &= within.contains(part));
        }
        if chosen.contains(&true) || chosen.is_empty() {
            Ok(chosen.into_iter().zip(part_of).map(|(chosen, part)| chosen.then_some(part)).collect())
        } else {
            Err(OptionError::NoParts { parts: parts.to_string() })
        }
    }

    fn edge(&self, name: &str) -> Result<&Edge, OptionError> {
        self.edges.iter().find(|edge| edge.name == name).ok_or_else(|| OptionError::UnknownEdge {
            edge: name.to_owned(),
            known: self.edges.iter().map(|edge| edge.name.clone()).collect(),
        })
    }

    /// Returns the number of the part that each step belongs to: steps that subscriptions connect share one.
    fn part_of_steps(&self) -> Vec<usize> {
        let number = |name: &str| self.planned.iter().position(|planned| planned.name == name);
        let mut part_of: Vec<usize> = (0..self.planned.len()).collect();
        for link in self.topology.links.iter().filter(|link| link.kind != LinkKind::Across) {
            if let (Some(from), Some(to)) = (number(&link.from), number(&link.to)) {
                let (kept, joined) = (part_of[from], part_of[to]);
                part_of.iter_mut().filter(|part| **part == joined).for_each(|part| *part = kept);
            }
        }
        part_of
    }

    /// Returns `part`, and all parts that edges lead to from there. `ends` returns the step that an edge leads from, and
    /// the one that it leads to.
    fn reached(&self, part_of: &[usize], part: usize, ends: impl Fn(&Edge) -> (usize, usize)) -> Vec<usize> {
        let mut reached = vec![part];
        let mut next = 0;
        while let Some(part) = reached.get(next).copied() {
            next += 1;
            for (from, to) in self.edges.iter().map(&ends) {
                if part_of[from] == part && !reached.contains(&part_of[to]) {
                    reached.push(part_of[to]);
                }
            }
        }
        reached
    }
}

impl Topology {
    /// Removes the steps that `is_chosen` returns false for, and their links and options.
    pub(super) fn retain(&mut self, is_chosen: impl Fn(&str) -> bool) {
        self.steps.retain(|step| is_chosen(&step.name));
        self.links.retain(|link| is_chosen(&link.from) && is_chosen(&link.to));
        self.options.retain(|option| is_chosen(&option.step));
        self.bound();
    }
}
