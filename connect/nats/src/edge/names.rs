//! The names of an edge's objects on the server.

use std::fmt::Write;

use stage_edge::{EdgeSpec, Epoch, Partition};

/// The names of the objects of one edge. A specification that was checked has names that fit into subjects.
#[derive(Clone, Debug)]
pub(super) struct Names {
    app: String,
    edge: String,
}

impl Names {
    pub(super) fn of(spec: &EdgeSpec) -> Self {
        Self { app: spec.app.clone(), edge: spec.name.clone() }
    }

    pub(super) fn edge(&self) -> &str {
        &self.edge
    }

    /// The stream of frames.
    pub(super) fn stream(&self) -> String {
        format!("EDGE_{}_{}", self.app, self.edge)
    }

    /// The subject of a partition's frames; a pool has the subject of partition 0.
    pub(super) fn subject(&self, partition: Partition) -> String {
        format!("e.{}.{}.{partition}", self.app, self.edge)
    }

    /// The subjects of all partitions.
    pub(super) fn subjects(&self) -> String {
        format!("e.{}.{}.*", self.app, self.edge)
    }

    /// The consumer of a partition under an epoch.
    pub(super) fn consumer(partition: Partition, epoch: Epoch) -> String {
        format!("{partition}-{epoch}")
    }

    /// Returns the epoch in the name of a partition's consumer.
    pub(super) fn epoch(consumer: &str, partition: Partition) -> Option<Epoch> {
        let (of, epoch) = consumer.split_once('-')?;
        (of == partition.to_string()).then_some(())?;
        epoch.parse().ok().map(Epoch)
    }

    /// The consumer that all processes of a pool share.
    pub(super) fn pool() -> String {
        "pool".to_owned()
    }

    /// The bucket of leases and members.
    pub(super) fn leases(&self) -> String {
        format!("LEASES_{}", self.app)
    }

    /// The key of a partition's lease.
    pub(super) fn lease(&self, partition: Partition) -> String {
        format!("p.{}.{partition}", self.edge)
    }

    /// The key of a member of the edge.
    pub(super) fn member(&self, id: &str) -> String {
        format!("{}{id}", self.members())
    }

    /// The beginning of the keys of all members of the edge.
    pub(super) fn members(&self) -> String {
        format!("m.{}.", self.edge)
    }

    /// The bucket of notes.
    pub(super) fn notes(&self) -> String {
        format!("NOTES_{}", self.app)
    }

    /// The stream of dead letters.
    pub(super) fn dead(&self) -> String {
        format!("DEAD_{}", self.app)
    }

    /// The subject of a dead letter.
    pub(super) fn letter(&self, id: &str) -> String {
        format!("d.{}.{}.{}", self.app, self.edge, escaped(id))
    }

    /// The subjects of the dead letters of this edge.
    pub(super) fn letters_of_edge(&self) -> String {
        format!("d.{}.{}.*", self.app, self.edge)
    }

    /// The subjects of all dead letters.
    pub(super) fn letters(&self) -> String {
        format!("d.{}.>", self.app)
    }
}

/// Replaces what cannot stand in one token of a subject.
fn escaped(text: &str) -> String {
    let mut token = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => token.push(char::from(byte)),
            other => {
                // Writing into a string cannot fail.
                let _ = write!(token, "={other:02X}");
            }
        }
    }
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_of_a_consumer_is_read_from_its_name() {
        let name = Names::consumer(Partition(3), Epoch(17));
        assert_eq!(Names::epoch(&name, Partition(3)), Some(Epoch(17)));
        assert_eq!(Names::epoch(&name, Partition(30)), None);
        assert_eq!(Names::epoch("pool", Partition(3)), None);
    }

    #[test]
    fn any_id_is_one_token_of_its_own() {
        let names = Names::of(&EdgeSpec::new("shop", "orders"));
        assert_eq!(names.letter("3.7 a>*ü"), "d.shop.orders.3=2E7=20a=3E=2A=C3=BC");
    }
}
