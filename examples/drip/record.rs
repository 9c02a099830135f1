//! The record that a sealed object keeps of its file. It prevents the object from being passed off under
//! another name, and allows rebuilding the database.
//!
//! A record is a sequence of fields: a tag, a length (four bytes, big-endian) and that many bytes. Unknown
//! tags are skipped.

use std::path::PathBuf;

use crate::repository::{Attributes, Kind, LinkGroup, Media, from_bytes, to_bytes};

/// The record of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// As in [`Media::email`].
    pub email: String,
    /// As in [`Media::relative_path`].
    pub relative_path: PathBuf,
    /// As in [`Media::full_path`].
    pub full_path: PathBuf,
    /// As in [`Media::root`].
    pub root: Option<PathBuf>,
    /// As in [`Media::attributes`].
    pub attributes: Attributes,
    /// As in [`Media::created_at`].
    pub created_at: i64,
}

mod tag {
    pub(super) const EMAIL: u8 = 1;
    pub(super) const RELATIVE_PATH: u8 = 2;
    pub(super) const FULL_PATH: u8 = 3;
    pub(super) const ROOT: u8 = 4;
    pub(super) const FOLLOWED: u8 = 5;
    pub(super) const LINK_TARGET: u8 = 6;
    pub(super) const MODE: u8 = 7;
    pub(super) const MODIFIED: u8 = 8;
    pub(super) const LINK_GROUP: u8 = 9;
    pub(super) const SPARSE: u8 = 10;
    pub(super) const FOLDER_MODES: u8 = 11;
    pub(super) const CREATED_AT: u8 = 12;
}

impl Record {
    /// Returns the record of a medium whose file has these attributes.
    pub fn of(media: &Media, attributes: &Attributes) -> Self {
        Self {
            email: media.email.clone(),
            relative_path: media.relative_path.clone(),
            full_path: media.full_path.clone(),
            root: media.root.clone(),
            attributes: attributes.clone(),
            created_at: media.created_at,
        }
    }

    /// Encodes this record.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut fields = Fields(Vec::new());
        fields.put(tag::EMAIL, self.email.as_bytes());
        fields.put(tag::RELATIVE_PATH, &to_bytes(&self.relative_path));
        fields.put(tag::FULL_PATH, &to_bytes(&self.full_path));
        if let Some(root) = &self.root {
            fields.put(tag::ROOT, &to_bytes(root));
        }
        let Attributes { kind, mode, modified, link_group, sparse, folder_modes } = &self.attributes;
        match kind {
            Kind::File => {}
            Kind::Followed => fields.put(tag::FOLLOWED, &[]),
            Kind::Symlink { target } => fields.put(tag::LINK_TARGET, &to_bytes(target)),
        }
        if let Some(mode) = mode {
            fields.put(tag::MODE, &mode.to_be_bytes());
        }
        if let Some(modified) = modified {
            fields.put(tag::MODIFIED, &modified.to_be_bytes());
        }
        if let Some(group) = link_group {
            fields.put(tag::LINK_GROUP, &group.to_bytes());
        }
        if *sparse {
            fields.put(tag::SPARSE, &[]);
        }
        let modes: Vec<u8> = folder_modes.iter().flat_map(|mode| mode.to_be_bytes()).collect();
        fields.put(tag::FOLDER_MODES, &modes);
        fields.put(tag::CREATED_AT, &self.created_at.to_be_bytes());
        fields.0
    }

    /// Decodes a record; `None` if the bytes are not a record.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut record = Self::default();
        while let Some((tag, rest)) = bytes.split_first() {
            let (len, rest) = rest.split_first_chunk()?;
            let (field, rest) = rest.split_at_checked(u32::from_be_bytes(*len) as usize)?;
            record.take(*tag, field)?;
            bytes = rest;
        }
        Some(record)
    }

    fn take(&mut self, tag: u8, field: &[u8]) -> Option<()> {
        let path = || from_bytes(field.to_vec());
        let attributes = &mut self.attributes;
        match tag {
            tag::EMAIL => self.email = String::from_utf8(field.to_vec()).ok()?,
            tag::RELATIVE_PATH => self.relative_path = path(),
            tag::FULL_PATH => self.full_path = path(),
            tag::ROOT => self.root = Some(path()),
            tag::FOLLOWED => attributes.kind = Kind::Followed,
            tag::LINK_TARGET => attributes.kind = Kind::Symlink { target: path() },
            tag::MODE => attributes.mode = Some(u32::from_be_bytes(field.try_into().ok()?)),
            tag::MODIFIED => attributes.modified = Some(i64::from_be_bytes(field.try_into().ok()?)),
            tag::LINK_GROUP => attributes.link_group = Some(LinkGroup::from_bytes(field.try_into().ok()?)),
            tag::SPARSE => attributes.sparse = true,
            tag::FOLDER_MODES => {
                let modes = field.chunks_exact(4).map(|mode| mode.try_into().map(u32::from_be_bytes));
                attributes.folder_modes = modes.collect::<Result<_, _>>().ok()?;
            }
            tag::CREATED_AT => self.created_at = i64::from_be_bytes(field.try_into().ok()?),
            // A field added by a later drip.
            _ => {}
        }
        Some(())
    }

    /// Describes how the database's entry differs from this record, if it does.
    pub fn difference(&self, media: &Media) -> Option<String> {
        let database = Self::of(media, &media.attributes);
        let differ = |what: &str, here: &dyn std::fmt::Debug, there: &dyn std::fmt::Debug| {
            Some(format!(
                "the database was altered: its {what} is {there:?}, that of the stored object is {here:?}; \
                 `drip rebuild` restores it from the object"
            ))
        };
        if self.relative_path != database.relative_path {
            return differ("name", &self.relative_path, &database.relative_path);
        }
        if self.full_path != database.full_path || self.root != database.root {
            return differ("path", &self.full_path, &database.full_path);
        }
        if self.email != database.email {
            return differ("user", &self.email, &database.email);
        }
        if self.attributes != database.attributes {
            return differ("record of attributes", &self.attributes, &database.attributes);
        }
        None
    }
}

struct Fields(Vec<u8>);

impl Fields {
    fn put(&mut self, tag: u8, field: &[u8]) {
        self.0.push(tag);
        // A field is at most as long as a path. An oversized one makes an unreadable record, never a panic.
        self.0.extend_from_slice(&u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.0.extend_from_slice(field);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::testing::transfer;

    fn record() -> Record {
        let attributes = Attributes {
            kind: Kind::Symlink { target: "../b".into() },
            mode: Some(0o600),
            modified: Some(-1),
            link_group: Some(LinkGroup { device: 1, inode: 2 }),
            sparse: true,
            folder_modes: vec![0o755, 0o700],
        };
        let mut media = transfer("sub/a").media;
        media.root = Some("/src".into());
        media.created_at = 77;
        Record::of(&media, &attributes)
    }

    #[test]
    fn a_record_reads_back_and_unknown_fields_are_skipped() {
        let mut bytes = record().to_bytes();
        assert_eq!(Record::from_bytes(&bytes), Some(record()));
        bytes.extend_from_slice(&[200, 0, 0, 0, 2, 1, 1]);
        assert_eq!(Record::from_bytes(&bytes), Some(record()));
        for cut in 1..7 {
            assert_eq!(Record::from_bytes(&bytes[..bytes.len() - cut]), None, "{cut}");
        }
    }

    #[test]
    fn a_database_with_another_name_of_a_file_is_reported_with_both_names() {
        let mut media = transfer("sub/a").media;
        let record = Record::of(&media, &media.attributes);
        assert_eq!(record.difference(&media), None);
        media.attributes.mode = Some(0o640);
        assert!(record.difference(&media).is_some_and(|told| told.contains("attributes")));
        media.attributes.kind = Kind::Symlink { target: "/etc/shadow".into() };
        assert!(record.difference(&media).is_some_and(|told| told.contains("/etc/shadow")));
        media.relative_path = "sub/b".into();
        let told = record.difference(&media).unwrap();
        assert!(told.contains("sub/a") && told.contains("sub/b") && told.contains("drip rebuild"), "{told}");
    }
}
