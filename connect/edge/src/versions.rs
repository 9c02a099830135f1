//! The versions of an edge's events, in a note that all programs compare with their own.
//!
//! A sink adds its version before it stores a frame, so a program that cannot read the stored events is refused when it starts.

use serde::{Deserialize, Serialize};
use stage_connect::ConnectError;

use crate::edge::{Edge, Opened};
use crate::hash::HASH_VERSION;
use crate::notes::{Note, NoteError, Notes};
use crate::schema::SchemaId;
use crate::spec::EdgeSpec;

/// The remedy where two types have one number.
const RAISE: &str = "raise the number of the schema with each change of the type";

/// The versions that were written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Versions {
    /// The version of the hash that divides keys among partitions.
    hash: u32,
    /// Each number once, in ascending order.
    written: Vec<SchemaId>,
}

/// The versions that a program reads.
#[derive(Clone, Debug)]
pub(crate) struct Readable {
    pub(crate) own: SchemaId,
    /// The numbers of all versions, with that of its own.
    pub(crate) numbers: Vec<u32>,
}

impl Readable {
    fn contains(&self, other: &SchemaId) -> bool {
        self.numbers.contains(&other.number)
            && (other.number != self.own.number || other.agrees_with(&self.own))
    }
}

/// The difference between a program and an edge, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Differs {
    wrong: String,
    remedy: &'static str,
}

impl Versions {
    const fn none() -> Self {
        Self { hash: HASH_VERSION, written: Vec::new() }
    }

    fn check_hash(&self) -> Result<(), Differs> {
        if self.hash == HASH_VERSION {
            return Ok(());
        }
        let wrong =
            format!("its keys are divided by hash {}, and this program has hash {HASH_VERSION}", self.hash);
        Err(Differs { wrong, remedy: "use the same version of stage-edge in all programs, or another edge" })
    }

    /// Adds the version that a program writes. Returns whether it is new.
    fn add(&mut self, schema: &SchemaId) -> Result<bool, Differs> {
        self.check_hash()?;
        match self.written.iter_mut().find(|other| other.number == schema.number) {
            Some(other) if !other.agrees_with(schema) => Err(Differs {
                wrong: format!("this program writes {schema}, and the edge holds {other}"),
                remedy: RAISE,
            }),
            Some(other) if other.fingerprint == 0 && schema.fingerprint != 0 => {
                other.fingerprint = schema.fingerprint;
                Ok(true)
            }
            Some(_) => Ok(false),
            None => {
                self.written.push(schema.clone());
                self.written.sort_by_key(|schema| schema.number);
                Ok(true)
            }
        }
    }

    /// Checks that a program reads every version.
    fn check_readable(&self, readable: &Readable) -> Result<(), Differs> {
        self.check_hash()?;
        let Some(other) = self.written.iter().find(|other| !readable.contains(other)) else { return Ok(()) };
        let own = &readable.own;
        let (wrong, remedy) = if other.number == own.number {
            (format!("this program reads {own}, and the edge holds {other}"), RAISE)
        } else {
            let remedy = "upgrade them with `reads`, or let a program that reads them empty the edge";
            (format!("this program reads {own}, and the edge holds events of {other}"), remedy)
        };
        Err(Differs { wrong, remedy })
    }

    /// Removes the versions that a program does not read.
    fn retain_readable(&mut self, readable: &Readable) {
        self.written.retain(|other| readable.contains(other));
    }

    fn read(note: Option<&Note>) -> Result<Self, Differs> {
        let Some(note) = note else { return Ok(Self::none()) };
        serde_json::from_slice(&note.value).map_err(|error| Differs {
            wrong: format!("its versions cannot be read: {error}"),
            remedy: "use the same version of stage-edge in all programs",
        })
    }

    fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn note_name(spec: &EdgeSpec) -> String {
    format!("schema.{}", spec.name)
}

fn fatal(edge: &impl Edge, spec: &EdgeSpec, Differs { wrong, remedy }: Differs) -> ConnectError {
    ConnectError::fatal(format!("{} edge `{}`", edge.describe(), spec.name), wrong, remedy)
}

/// Opens an edge, and notes its versions as `change` returns them, with what refuses the program unless the edge is empty;
/// `None` for no change.
async fn open<E: Edge>(
    edge: &E,
    spec: &EdgeSpec,
    change: impl Fn(Versions) -> Result<Option<(Versions, Option<Differs>)>, Differs> + Send + Sync,
) -> Result<Opened, ConnectError> {
    let opened = edge.open(spec).await?;
    let (notes, name) = (edge.notes(spec), note_name(spec));
    loop {
        let note = notes.get(&name).await?;
        let changed = Versions::read(note.as_ref()).and_then(&change);
        let changed = changed.map_err(|differs| fatal(edge, spec, differs))?;
        let Some((versions, unless_empty)) = changed else { return Ok(opened) };
        if let Some(differs) = unless_empty
            && edge.lag(spec).await?.iter().any(|lag| lag.frames > 0)
        {
            return Err(fatal(edge, spec, differs));
        }
        match notes.put(&name, &versions.write(), note.map(|note| note.revision)).await {
            Ok(_) => return Ok(opened),
            Err(NoteError::Conflict) => {}
            Err(NoteError::Connect(error)) => return Err(error),
        }
    }
}

/// Opens an edge, and notes the version that a program writes, unless the edge holds other events under the same number.
pub(crate) async fn open_to_write<E: Edge>(
    edge: &E,
    spec: &EdgeSpec,
    schema: &SchemaId,
) -> Result<Opened, ConnectError> {
    open(edge, spec, |mut versions| Ok(versions.add(schema)?.then_some((versions, None)))).await
}

/// Opens an edge, and checks that a program reads its events. An edge without frames holds nothing, so the versions that the
/// program does not read are forgotten.
pub(crate) async fn open_to_read<E: Edge>(
    edge: &E,
    spec: &EdgeSpec,
    readable: &Readable,
) -> Result<Opened, ConnectError> {
    let read = |mut versions: Versions| {
        versions.check_hash()?;
        let Err(differs) = versions.check_readable(readable) else { return Ok(None) };
        versions.retain_readable(readable);
        Ok(Some((versions, Some(differs))))
    };
    open(edge, spec, read).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Format;

    fn wrong<T>(result: Result<T, Differs>) -> String {
        result.err().expect("a difference").wrong
    }

    #[test]
    fn a_version_is_written_once_and_another_type_under_its_number_is_refused() {
        let mut versions = Versions::none();
        let order = SchemaId::new("Order", 3);
        assert_eq!(versions.add(&order), Ok(true));
        assert_eq!(versions.add(&order), Ok(false));
        assert_eq!(versions.add(&order.clone().fingerprint(0xa)), Ok(true), "the fingerprint is known now");
        assert_eq!(versions.add(&order), Ok(false));
        assert_eq!(versions.add(&SchemaId::new("Order", 2)), Ok(true));
        assert_eq!(versions.written.iter().map(|schema| schema.number).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(
            wrong(versions.add(&order.fingerprint(0xb))),
            "this program writes Order v3 (fingerprint 000000000000000b), and the edge holds Order v3 (fingerprint \
             000000000000000a)"
        );
        let other = wrong(versions.add(&SchemaId::new("Payment", 2)));
        assert_eq!(other, "this program writes Payment v2, and the edge holds Order v2");
    }

    #[test]
    fn a_program_that_does_not_read_what_is_stored_is_refused() {
        let mut versions = Versions::none();
        versions.add(&SchemaId::new("Total", 1)).unwrap();
        let format = Format::<u64>::postcard(SchemaId::new("Total", 2));
        let refused = wrong(versions.check_readable(&format.readable()));
        assert_eq!(refused, "this program reads Total v2, and the edge holds events of Total v1");
        let upgrading = format.clone().reads(1, |old: u8| u64::from(old));
        assert_eq!(versions.check_readable(&upgrading.readable()), Ok(()));
        versions.add(&SchemaId::new("Total", 3)).unwrap();
        assert!(wrong(versions.check_readable(&upgrading.readable())).ends_with("events of Total v3"));
        versions.retain_readable(&upgrading.readable());
        assert_eq!(versions.written, [SchemaId::new("Total", 1)]);
    }

    #[test]
    fn another_hash_is_refused_by_both_ends() {
        let mut versions = Versions { hash: HASH_VERSION + 1, ..Versions::none() };
        let refused = wrong(versions.add(&SchemaId::new("Total", 1)));
        assert_eq!(refused, "its keys are divided by hash 2, and this program has hash 1");
        let format = Format::<u64>::postcard(SchemaId::new("Total", 1));
        assert_eq!(wrong(versions.check_readable(&format.readable())), refused);
    }

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let mut versions = Versions::none();
        versions.add(&SchemaId::new("Order", 3).fingerprint(7)).unwrap();
        let note = |value: &[u8]| Note { value: value.to_vec(), revision: 1 };
        assert_eq!(Versions::read(Some(&note(&versions.write()))), Ok(versions));
        assert_eq!(Versions::read(None), Ok(Versions::none()));
        assert!(wrong(Versions::read(Some(&note(b"?")))).starts_with("its versions cannot be read"));
    }
}
