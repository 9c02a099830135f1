//! Stages handle unexpected pieces: those of dead or unknown transfers, and those out of order.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use drip::repository::{Attributes, Direction, Media, MediaId, Transfer, TransferId, UserId};
use drip::transfer::{Failure, Hold, Part, Piece, Shape, Table, Verdict, Verdicts, Work};

/// A shape whose parts are numbers.
#[derive(Debug)]
enum Numbers {}

impl Shape for Numbers {
    type Begin = ();
    type Chunk = u64;
    type End = ();
}

/// Sums the chunks of a transfer, fails on 13, and records the transfers it gave up.
#[derive(Debug, Default)]
struct Adding {
    given_up: Vec<u64>,
}

impl Work for Adding {
    type In = Numbers;
    type Out = Numbers;
    type State = u64;

    async fn begin(&mut self, _: &Transfer, (): ()) -> Result<(u64, ()), Failure> {
        Ok((0, ()))
    }

    async fn chunk(&mut self, sum: &mut u64, number: u64) -> Result<u64, Failure> {
        if number == 13 {
            return Err(Failure::permanent("13 is refused"));
        }
        *sum += number;
        Ok(*sum)
    }

    async fn end(&mut self, _: &Transfer, _: u64, (): ()) -> Result<(), Failure> {
        Ok(())
    }

    async fn give_up(&mut self, sum: u64) {
        self.given_up.push(sum);
    }
}

/// A stage and one transfer.
struct Case {
    work: Adding,
    table: Table<u64>,
    hold: Hold,
    verdicts: Verdicts,
}

impl Case {
    fn new() -> Self {
        let verdicts = Verdicts::default();
        let hold = Hold::new(transfer(), &verdicts);
        Self { work: Adding::default(), table: Table::default(), hold, verdicts }
    }

    /// Returns the stage's output for a piece, which then counts as handled downstream.
    async fn makes(&mut self, part: Part<Numbers>) -> Part<Numbers> {
        let piece = Piece { hold: self.hold.again(), part };
        let Piece { hold, part } = self.table.handle(&mut self.work, piece).await;
        hold.handled();
        part
    }

    /// Returns the verdict on the transfer once all holds are gone.
    fn verdict(self) -> Verdict {
        self.hold.handled();
        let judged = self.verdicts.take();
        assert_eq!(judged.len(), 1, "the transfer is still held");
        judged[0].verdict.clone()
    }
}

fn transfer() -> Transfer {
    let id = MediaId::new();
    let media = Media {
        id,
        user: UserId(1),
        email: "robert_virding@erlang.se".into(),
        relative_path: "a".into(),
        full_path: "/a".into(),
        root: None,
        size: 0,
        attributes: Attributes::default(),
        storage_key: id.storage_key(),
        object_size: None,
        checksum: None,
        created_at: 0,
        updated_at: 0,
    };
    let (id, path) = (TransferId::new(), "/a".into());
    Transfer { id, direction: Direction::Upload, media, path, folder: None, attempts: 1 }
}

#[tokio::test]
async fn a_transfer_that_goes_well_leaves_nothing_behind() {
    let mut case = Case::new();
    assert!(matches!(case.makes(Part::Begin(())).await, Part::Begin(())));
    assert!(matches!(case.makes(Part::Chunk(0, 5)).await, Part::Chunk(0, 5)));
    assert!(matches!(case.makes(Part::Chunk(1, 6)).await, Part::Chunk(1, 11)));
    assert!(matches!(case.makes(Part::End(())).await, Part::End(())));
    assert!(case.work.given_up.is_empty());
    case.hold.done(11);
    assert_eq!(case.verdict(), Verdict::Done(11));
}

#[tokio::test]
async fn failed_work_aborts_its_transfer_and_skips_the_rest() {
    let mut case = Case::new();
    case.makes(Part::Begin(())).await;
    case.makes(Part::Chunk(0, 5)).await;
    assert!(matches!(case.makes(Part::Chunk(1, 13)).await, Part::Broken));
    assert!(matches!(case.makes(Part::Chunk(2, 7)).await, Part::Broken));
    assert!(matches!(case.makes(Part::End(())).await, Part::Broken));
    assert_eq!(case.work.given_up, [5]);
    assert_eq!(case.verdict(), Verdict::Failed(Failure::permanent("13 is refused")));
}

#[tokio::test]
async fn a_transfer_that_failed_elsewhere_is_aborted_at_its_next_piece() {
    let mut case = Case::new();
    case.makes(Part::Begin(())).await;
    case.makes(Part::Chunk(0, 5)).await;
    case.hold.fail(Failure::passing("the disk is gone"));
    assert!(matches!(case.makes(Part::Broken).await, Part::Broken));
    assert_eq!(case.work.given_up, [5]);
    assert_eq!(case.verdict(), Verdict::Failed(Failure::passing("the disk is gone")));
}

#[tokio::test]
async fn a_chunk_that_a_rebuilt_stage_has_not_heard_of_fails_its_transfer() {
    let mut case = Case::new();
    assert!(matches!(case.makes(Part::Chunk(3, 5)).await, Part::Broken));
    assert!(matches!(case.verdict(), Verdict::Failed(Failure::Passing(_))));
}

#[tokio::test]
async fn a_stage_that_ends_aborts_unfinished_transfers() {
    let mut case = Case::new();
    case.makes(Part::Begin(())).await;
    case.makes(Part::Chunk(0, 5)).await;
    case.table.clear(&mut case.work).await;
    assert_eq!(case.work.given_up, [5]);
    assert!(matches!(case.verdict(), Verdict::Failed(Failure::Passing(_))));
}
