//! Command line: the arguments, and the workloads that their names select.

use std::time::Duration;

use crate::{catalogue::Scale, workload::Workload};
use clap::Parser;

/// Runs us and the peers alternately and prints throughputs and ratios.
#[derive(Debug, Parser)]
#[command(after_help = MARKS)]
pub(crate) struct Arguments {
    /// Print one JSON object, of the machine and the rows, instead of the table
    #[arg(long)]
    pub(crate) json: bool,
    /// Fewer and shorter rounds, smaller inputs: under a minute for everything
    #[arg(long)]
    pub(crate) quick: bool,
    /// What to run, by full name or by its beginning (`pipe`, `pipe/k3`); everything when none is named
    pub(crate) workloads: Vec<String>,
}

const MARKS: &str = "\
The last column has the promised ratio, a minimum, or a maximum where less is better:
  ✓                        the ratio is better by a tenth or more: the promise is kept
  (kept, without margin)   it is better by less
  ✗                        it is worse

The rows `control` compare the first peer of the first workload with itself, before and after the others. Their
ratios differ from 1 by the noise of the run; differences of that size mean nothing.";

/// Pairs of rounds of a row whose rounds exceed the budget, and with `--quick`; odd, too.
pub(crate) const LEAST_PAIRS: usize = 7;

impl Arguments {
    /// Returns the duration of a contender's round.
    pub(crate) const fn budget(&self) -> Duration {
        Duration::from_millis(if self.quick { 20 } else { 70 })
    }

    /// Returns the number of pairs of rounds per row; odd, so that the median is one of them. Many short
    /// rounds are better than few long ones: the speed of a shared machine changes from second to second, and
    /// both rounds of a pair should meet the same speed.
    pub(crate) const fn pairs(&self) -> usize {
        if self.quick { LEAST_PAIRS } else { 25 }
    }

    /// Returns the size of the inputs.
    pub(crate) const fn scale(&self) -> Scale {
        if self.quick { Scale::Tenth } else { Scale::Full }
    }
}

/// A name on the command line that no workload has.
#[derive(Debug, thiserror::Error)]
#[error("unknown workload `{name}`; the workloads are:\n  {}", known.join("\n  "))]
pub(crate) struct UnknownWorkload {
    name: String,
    known: Vec<String>,
}

/// Returns the workloads that `names` select, in the order of `all`, each once.
pub(crate) fn choose<'a>(
    names: &[String],
    all: &'a [Workload],
) -> Result<Vec<&'a Workload>, UnknownWorkload> {
    let means = |name: &str, workload: &Workload| {
        let rest = workload.name.strip_prefix(name.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|workload| means(name, workload))) {
        return Err(UnknownWorkload {
            name: unknown.clone(),
            known: all.iter().map(|workload| workload.name.clone()).collect(),
        });
    }
    let chosen = |workload: &&Workload| names.is_empty() || names.iter().any(|name| means(name, workload));
    Ok(all.iter().filter(chosen).collect())
}

#[cfg(test)]
mod tests {
    use crate::catalogue::{self, Scale};

    use super::choose;

    fn names(arguments: &[&str]) -> Result<Vec<String>, String> {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        let all = catalogue::all(Scale::Tenth);
        let chosen = choose(&arguments, &all).map_err(|unknown| unknown.to_string())?;
        Ok(chosen.iter().map(|workload| workload.name.clone()).collect())
    }

    #[test]
    fn no_name_means_everything() {
        assert_eq!(names(&[]).unwrap().len(), catalogue::all(Scale::Tenth).len());
    }

    #[test]
    fn the_beginning_of_a_name_means_all_that_begin_so() {
        let k1 = ["pipe/k1/1000-500", "pipe/k1/100-50", "pipe/k1/10-1"];
        assert_eq!(names(&["pipe/k1"]).unwrap(), k1);
        assert_eq!(names(&["pipe/k1/", "pipe/k1/10-1"]).unwrap(), k1, "each once");
        assert_eq!(names(&["pipe/k1/10-1"]).unwrap(), ["pipe/k1/10-1"]);
    }

    #[test]
    fn an_unknown_name_is_refused_with_all_names() {
        let refusal = names(&["pipe/k1", "pipe/k"]).unwrap_err();
        assert!(refusal.starts_with("unknown workload `pipe/k`"), "{refusal}");
        assert!(refusal.contains("\n  pipe/k3/1000-500"), "{refusal}");
    }
}
