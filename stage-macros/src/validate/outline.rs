//! Do the items come in an order that makes a pipeline: one start, steps, one finish?

use proc_macro2::Span;

use crate::error::Errors;
use crate::words::Role;

/// Looks at the items' words only, so that an item which could not be read still counts.
pub(super) fn check(outline: &[(Option<Role>, Span)], errors: &mut Errors) {
    let (Some((first, first_word)), Some((last, last_word))) = (outline.first(), outline.last())
    else {
        return;
    };
    let position = |role| outline.iter().position(|(item, _)| *item == Some(role));
    let unknown = outline.iter().any(|(role, _)| role.is_none());
    let (start, finish) = (position(Role::Start), position(Role::Finish));
    if start.is_none() && !unknown && first.is_some() {
        errors.at_span(
            *first_word,
            "a pipeline begins with `start`: write `start <producer>;` before this",
        );
    }
    for (index, (role, word)) in outline.iter().enumerate() {
        let Some(role) = role else { continue };
        let behind_start = start.is_none_or(|start| index > start);
        let behind_finish = finish.is_some_and(|finish| index > finish);
        match role {
            Role::Start if behind_start => errors.at_span(*word, SECOND_START),
            Role::Finish if behind_finish => errors.at_span(*word, SECOND_FINISH),
            Role::Step | Role::Finish if !behind_start => {
                errors.at_span(
                    *word,
                    format!(
                        "`{}` before `start`: nothing comes in here; move it behind the `start`",
                        role.word()
                    ),
                );
            }
            Role::Step if behind_finish => {
                errors.at_span(*word, "`step` behind `finish`: nothing comes out of a `finish`; move it before the `finish`");
            }
            Role::Start | Role::Step | Role::Finish => {}
        }
    }
    if finish.is_none() && !unknown && last.is_some() {
        errors.at_span(*last_word, "a pipeline ends with `finish`: nobody takes what comes out here; write `finish <consumer>;` behind it");
    }
}

const SECOND_START: &str = "a second `start`: sources that merge are not there yet; write one `start` that yields the events of all";
const SECOND_FINISH: &str = "a second `finish`: branches are not there yet; make the first one a `step`, or declare a second pipeline";
