//! What an upload does with a file of which something is stored already.

use crate::repository::{Attributes, Kind, Media, NewUpload};

/// What a file that was found is, beside what is stored of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing is stored of it, or something else.
    Content,
    /// Its size is the same and its time is not: only its checksum tells.
    Perhaps,
    /// Its content is stored, with other attributes.
    Attributes,
    /// It is stored as it is.
    Nothing,
}

/// Compares a file that was found with the latest medium that was made of it. Size and time of modification stand for the
/// content, as they do for rsync.
pub(super) fn change(found: &NewUpload, stored: Option<&Media>) -> Change {
    let Some(stored) = stored else { return Change::Content };
    let (now, then) = (&found.attributes, &stored.attributes);
    if now.kind != then.kind {
        return Change::Content;
    }
    if let Kind::Symlink { .. } = now.kind {
        // The target is the content.
        return if now == then { Change::Nothing } else { Change::Attributes };
    }
    match (found.size == stored.size, now.modified.is_some() && now.modified == then.modified) {
        (false, _) => Change::Content,
        (true, false) => Change::Perhaps,
        (true, true) if is_same_beside(now, then) => Change::Nothing,
        (true, true) => Change::Attributes,
    }
}

/// Whether all but kind and time are the same. Whether a file has holes is known only once it was read.
fn is_same_beside(now: &Attributes, then: &Attributes) -> bool {
    (now.mode, now.link_group, &now.folder_modes) == (then.mode, then.link_group, &then.folder_modes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::testing::transfer;

    fn of(size: u64, modified: Option<i64>, mode: u32) -> (NewUpload, Media) {
        let attributes = Attributes { modified, mode: Some(mode), ..Attributes::default() };
        let found = NewUpload { size, attributes: attributes.clone(), ..NewUpload::default() };
        (found, Media { size, attributes, ..transfer("a").media })
    }

    #[test]
    fn what_is_stored_as_it_is_is_not_uploaded_again() {
        let (found, stored) = of(5, Some(7), 0o644);
        assert_eq!(change(&found, Some(&stored)), Change::Nothing);
        assert_eq!(change(&found, None), Change::Content);
    }

    #[test]
    fn another_size_is_another_content_and_another_time_may_be() {
        let (found, _) = of(5, Some(7), 0o644);
        assert_eq!(change(&found, Some(&of(6, Some(7), 0o644).1)), Change::Content);
        assert_eq!(change(&found, Some(&of(5, Some(8), 0o644).1)), Change::Perhaps);
        let (unknown, stored) = of(5, None, 0o644);
        assert_eq!(change(&unknown, Some(&stored)), Change::Perhaps, "of an earlier version of drip");
    }

    #[test]
    fn another_mode_is_no_other_content() {
        let (found, _) = of(5, Some(7), 0o644);
        assert_eq!(change(&found, Some(&of(5, Some(7), 0o600).1)), Change::Attributes);
    }

    #[test]
    fn a_file_that_became_a_link_and_a_link_that_leads_elsewhere_are_other_content() {
        let (found, stored) = of(5, Some(7), 0o777);
        let link = |target: &str| Kind::Symlink { target: target.into() };
        let as_link = |media: &Media, target: &str| Media {
            attributes: Attributes { kind: link(target), ..media.attributes.clone() },
            ..media.clone()
        };
        assert_eq!(change(&found, Some(&as_link(&stored, "a"))), Change::Content);
        let attributes = Attributes { kind: link("a"), ..found.attributes.clone() };
        let found = NewUpload { attributes, ..found };
        assert_eq!(change(&found, Some(&as_link(&stored, "b"))), Change::Content);
        assert_eq!(change(&found, Some(&as_link(&stored, "a"))), Change::Nothing);
    }
}
