//! Do the items come in an order that makes a pipeline: one start, steps, one finish?

use proc_macro2::Span;

use crate::error::Errors;
use crate::words::Role;

/// Looks at the items' words only, so that an item which could not be read still counts.
pub(super) fn check(outline: &[(Option<Role>, Span)], errors: &mut Errors) {
    let (Some((first, first_word)), Some((last, last_word))) = (outline.first(), outline.last()) else {
        return;
    };
    let has = |role: Role| outline.iter().any(|(item, _)| *item == Some(role));
    let position =
        |role, from: usize| Some(from + outline.iter().skip(from).position(|(item, _)| *item == Some(role))?);
    let unknown = outline.iter().any(|(role, _)| role.is_none());
    let start = position(Role::Start, 0);
    let finish = position(Role::Finish, start.unwrap_or(0));
    if !has(Role::Start) && !unknown && first.is_some() {
        errors.at_span(*first_word, "a pipeline begins with `start`: write `start <producer>;` before this");
    }
    for (index, (role, word)) in outline.iter().enumerate() {
        let Some(role) = role else { continue };
        let after_start = start.is_none_or(|start| index > start);
        let after_finish = finish.is_some_and(|finish| index > finish);
        match role {
            Role::Start if after_start => errors.at_span(*word, SECOND_START),
            Role::Finish if after_finish => errors.at_span(*word, SECOND_FINISH),
            Role::Step | Role::Finish if !after_start => {
                errors.at_span(
                    *word,
                    format!(
                        "`{}` before `start`: nothing comes in here; move it after the `start`",
                        role.word()
                    ),
                );
            }
            Role::Step if after_finish => {
                errors.at_span(
                    *word,
                    "`step` after `finish`: nothing comes out of a `finish`; move it before the `finish`",
                );
            }
            Role::Start | Role::Step | Role::Finish => {}
        }
    }
    if !has(Role::Finish) && !unknown && last.is_some() {
        errors.at_span(*last_word, "a pipeline ends with `finish`: nobody takes what comes out here; write `finish <consumer>;` after it");
    }
}

const SECOND_START: &str =
    "a second `start`: sources that merge are not there yet; write one `start` that yields the events of all";
const SECOND_FINISH: &str = "a second `finish`: branches are not there yet; make the first one a `step`, or declare a second pipeline";
