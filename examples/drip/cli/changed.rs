//! Decides whether a file that is already stored must be uploaded again.

use crate::repository::{Kind, Known, NewUpload};

/// How a found file compares with its stored version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The file is not stored, or differs.
    Changed,
    /// Its size is equal but its time differs; only the checksum can decide.
    Perhaps,
    /// The file is stored unchanged.
    Unchanged,
}

/// Compares a found file with its stored version. Equal size and modification time imply equal content, as
/// they do for rsync. Attributes are sealed with the content, so a different mode makes a new version.
pub(super) fn change(found: &NewUpload, known: Option<&Known>) -> Change {
    let Some(Known { media, seen }) = known else { return Change::Changed };
    let (now, then) = (&found.attributes, &media.attributes);
    if now.kind != then.kind {
        return Change::Changed;
    }
    if let Kind::Symlink { .. } = now.kind {
        // A link consists of nothing but its target.
        return Change::Unchanged;
    }
    if found.size != media.size || (then.mode.is_some() && now.mode != then.mode) {
        return Change::Changed;
    }
    let is_known = now.modified.is_some() && (now.modified == then.modified || now.modified == *seen);
    if is_known { Change::Unchanged } else { Change::Perhaps }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::testing::transfer;
    use crate::repository::{Attributes, Media};

    fn of(size: u64, modified: Option<i64>, mode: u32) -> (NewUpload, Known) {
        let attributes = Attributes { modified, mode: Some(mode), ..Attributes::default() };
        let found = NewUpload { size, attributes: attributes.clone(), ..NewUpload::default() };
        (found, Known { media: Media { size, attributes, ..transfer("a").media }, seen: None })
    }

    #[test]
    fn unchanged_files_are_not_uploaded_again() {
        let (found, known) = of(5, Some(7), 0o644);
        assert_eq!(change(&found, Some(&known)), Change::Unchanged);
        assert_eq!(change(&found, None), Change::Changed);
    }

    #[test]
    fn another_size_or_mode_is_a_change_and_another_time_may_be_one() {
        let (found, _) = of(5, Some(7), 0o644);
        assert_eq!(change(&found, Some(&of(6, Some(7), 0o644).1)), Change::Changed);
        assert_eq!(change(&found, Some(&of(5, Some(7), 0o600).1)), Change::Changed);
        let (_, later) = of(5, Some(8), 0o644);
        assert_eq!(change(&found, Some(&later)), Change::Perhaps);
        assert_eq!(
            change(&found, Some(&Known { seen: Some(7), ..later })),
            Change::Unchanged,
            "the content was compared"
        );
    }

    #[test]
    fn files_stored_by_an_earlier_drip_without_mode_and_time_are_compared() {
        let (found, mut known) = of(5, Some(7), 0o644);
        known.media.attributes = Attributes::default();
        assert_eq!(change(&found, Some(&known)), Change::Perhaps);
    }

    #[test]
    fn a_file_replaced_by_a_link_and_a_link_with_another_target_are_changed() {
        let (found, known) = of(5, Some(7), 0o777);
        let link = |target: &str, attributes: &Attributes| Attributes {
            kind: Kind::Symlink { target: target.into() },
            modified: None,
            ..attributes.clone()
        };
        let to_a = link("a", &known.media.attributes);
        let known_link = Known { media: Media { attributes: to_a, ..known.media.clone() }, seen: None };
        assert_eq!(change(&found, Some(&known_link)), Change::Changed);
        let found = |target| NewUpload { attributes: link(target, &found.attributes), ..found.clone() };
        assert_eq!(change(&found("b"), Some(&known_link)), Change::Changed);
        assert_eq!(change(&found("a"), Some(&known_link)), Change::Unchanged);
    }
}
