//! Stages handle unexpected pieces: those of dead or unknown wholes, and those out of order.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Cut, CutPieces, Cutter, Event, HandlePieces, Part, PieceStates, step};
use crate::ack::{Acknowledger, Collectors, Deliveries, Piece, Reason, RejectedDelivery, Whole};
use crate::base::error::BoxError;
use crate::pipeline::{Pipeline, StepOptions};
use crate::policy::{FailurePolicy, each};

/// Parts that are numbers.
type Numbers = Part<(), u64, ()>;

/// Adds up the numbers of a whole, fails on 13, and records the sums it abandoned.
#[derive(Debug, Default)]
struct Adding {
    abandoned: Vec<u64>,
}

impl HandlePieces for Adding {
    type Whole = &'static str;
    type In = Numbers;
    type Out = Numbers;
    type State = u64;
    type Error = BoxError;

    async fn begin(&mut self, _: &Self::Whole, (): ()) -> Result<(u64, ()), BoxError> {
        Ok((0, ()))
    }

    async fn next(&mut self, _: &Self::Whole, sum: &mut u64, number: u64) -> Result<u64, BoxError> {
        if number == 13 {
            return Err("13 is refused".into());
        }
        *sum += number;
        Ok(*sum)
    }

    async fn end(&mut self, _: &Self::Whole, _: u64, (): ()) -> Result<(), BoxError> {
        Ok(())
    }

    async fn abandon(&mut self, sum: u64) {
        self.abandoned.push(sum);
    }
}

/// Sends each verdict: `"done"`, or the reason.
struct Tell(UnboundedSender<String>);

impl Acknowledger for Tell {
    type Receipt = u8;

    async fn settle(&mut self, done: &[u8], rejected: &[RejectedDelivery<u8>]) -> Result<(), BoxError> {
        for _ in done {
            self.0.send("done".to_owned())?;
        }
        for rejected in rejected {
            self.0.send(rejected.reason.to_string())?;
        }
        Ok(())
    }
}

fn source() -> (Deliveries<u8>, UnboundedReceiver<String>) {
    let (tell, verdicts) = unbounded_channel();
    (Collectors::default().start_alone(Tell(tell)), verdicts)
}

/// A stage and one whole.
struct Case {
    states: PieceStates<Adding>,
    whole: Whole<&'static str>,
    verdicts: UnboundedReceiver<String>,
}

impl Case {
    fn new() -> Self {
        let (deliveries, verdicts) = source();
        let whole = Whole::new(deliveries.deliver([("file", 1)]).next().unwrap());
        Self { states: PieceStates::new(Adding::default()), whole, verdicts }
    }

    /// Returns the stage's output for the next piece, which then counts as handled downstream.
    async fn makes(&mut self, part: Numbers) -> Numbers {
        let (piece, token) = self.states.handle(self.whole.piece(part)).await.into_parts();
        token.acknowledge();
        piece.part
    }

    /// Returns the verdict after the last part.
    async fn verdict(mut self, last: Numbers) -> (String, PieceStates<Adding>) {
        self.states.handle(self.whole.last(last)).await.acknowledge();
        (self.verdicts.recv().await.unwrap(), self.states)
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_that_goes_well_leaves_nothing_behind() {
    let mut case = Case::new();
    assert_eq!(case.makes(Part::Begin(())).await, Part::Begin(()));
    assert_eq!(case.makes(Part::Next(5)).await, Part::Next(5));
    assert_eq!(case.makes(Part::Next(6)).await, Part::Next(11));
    let (verdict, states) = case.verdict(Part::End(())).await;
    assert_eq!(verdict, "done");
    assert!(states.handler().abandoned.is_empty());
}

#[tokio::test(start_paused = true)]
async fn failed_work_abandons_its_whole_and_skips_the_rest() {
    let mut case = Case::new();
    case.makes(Part::Begin(())).await;
    case.makes(Part::Next(5)).await;
    assert_eq!(case.makes(Part::Next(13)).await, Part::Broken);
    assert_eq!(case.makes(Part::Next(7)).await, Part::Broken);
    assert_eq!(case.states.handler().abandoned, [5]);
    assert_eq!(case.verdict(Part::End(())).await.0, "13 is refused");
}

#[tokio::test(start_paused = true)]
async fn a_whole_that_failed_elsewhere_is_abandoned_at_its_next_piece() {
    let mut case = Case::new();
    case.makes(Part::Begin(())).await;
    case.makes(Part::Next(5)).await;
    case.whole.fail(Reason::failed("the disk is gone"));
    assert_eq!(case.makes(Part::Broken).await, Part::Broken);
    assert_eq!(case.states.handler().abandoned, [5]);
    assert_eq!(case.verdict(Part::Broken).await.0, "the disk is gone");
}

#[tokio::test(start_paused = true)]
async fn a_piece_that_a_restarted_stage_has_not_heard_of_makes_its_whole_dead() {
    let mut case = Case::new();
    assert_eq!(case.makes(Part::Next(5)).await, Part::Broken);
    let (verdict, _) = case.verdict(Part::End(())).await;
    assert_eq!(verdict, "piece 0 arrived at a stage that has no state of its whole");
}

#[tokio::test(start_paused = true)]
async fn a_piece_that_overtook_another_makes_its_whole_dead() {
    let mut case = Case::new();
    case.makes(Part::Begin(())).await;
    let overtaken = case.whole.piece(Numbers::Next(1));
    assert_eq!(case.makes(Part::Next(2)).await, Part::Broken);
    overtaken.acknowledge();
    assert_eq!(case.verdict(Part::End(())).await.0, "piece 2 arrived in place of piece 1");
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_ends_abandons_unfinished_wholes() {
    let mut case = Case::new();
    case.makes(Part::Begin(())).await;
    case.makes(Part::Next(5)).await;
    case.states.abandon_all().await;
    assert_eq!(case.states.handler().abandoned, [5]);
    assert_eq!(case.verdict(Part::End(())).await.0, "a stage dropped it");
}

#[tokio::test(start_paused = true)]
async fn a_whole_that_returned_untried_stays_untried_when_its_state_is_abandoned() {
    let mut case = Case::new();
    case.makes(Part::Begin(())).await;
    drop(case.whole.piece(Numbers::Next(5)));
    assert_eq!(case.makes(Part::Next(6)).await, Part::Broken);
    assert_eq!(case.states.handler().abandoned, [0]);
    assert_eq!(case.verdict(Part::Broken).await.0, "it was returned before a stage handled it");
}

/// Cuts a number into that many ones. Zero cannot be opened, and more than three are too many.
struct Ones;

impl CutPieces for Ones {
    type Whole = u64;
    type Out = Numbers;
    type Open = u64;
    type Error = BoxError;

    async fn open(&mut self, number: &u64) -> Result<(u64, ()), BoxError> {
        if *number == 0 { Err("zero".into()) } else { Ok((0, ())) }
    }

    async fn next(&mut self, number: &u64, made: &mut u64) -> Result<Cut<Numbers>, BoxError> {
        if *made == 3 {
            return Err("too many".into());
        }
        *made += 1;
        Ok(if *made > *number { Cut::End(()) } else { Cut::Next(1) })
    }
}

/// Cuts these numbers; acknowledges the pieces, except those that `drops` selects. Returns the pieces and verdicts.
async fn cut(numbers: &[u64], drops: impl Fn(u64, &Numbers) -> bool) -> (Vec<(u64, Numbers)>, Vec<String>) {
    let (deliveries, mut verdicts) = source();
    let mut cutter = Cutter::new(Ones);
    for delivery in deliveries.deliver(numbers.iter().map(|number| (*number, 0))) {
        cutter.add(delivery);
    }
    let mut pieces = Vec::new();
    while let Some(piece) = cutter.next().await {
        let (piece, token) = piece.into_parts();
        if !drops(*piece.whole, &piece.part) {
            token.acknowledge();
        }
        pieces.push((*piece.whole, piece.part));
    }
    assert!(cutter.is_empty());
    drop(deliveries);
    let mut told = Vec::new();
    while let Some(verdict) = verdicts.recv().await {
        told.push(verdict);
    }
    (pieces, told)
}

#[tokio::test(start_paused = true)]
async fn wholes_are_cut_in_turn() {
    let (pieces, told) = cut(&[1, 2], |_, _| false).await;
    let (begin, end) = (Part::Begin(()), Part::End(()));
    let ones = [(1, begin.clone()), (2, begin), (1, Part::Next(1)), (2, Part::Next(1))];
    assert_eq!(pieces[..4], ones);
    assert_eq!(pieces[4..], [(1, end.clone()), (2, Part::Next(1)), (2, end)]);
    assert_eq!(told, ["done", "done"]);
}

#[tokio::test(start_paused = true)]
async fn a_whole_that_cannot_be_opened_or_cut_is_rejected_and_the_others_are_cut() {
    let (pieces, told) = cut(&[0, 9, 1], |_, _| false).await;
    assert!(pieces.iter().all(|(number, _)| *number != 0), "{pieces:?}");
    assert_eq!(pieces.last(), Some(&(9, Part::Broken)));
    assert_eq!(told, ["done", "zero", "too many"]);
}

#[tokio::test(start_paused = true)]
async fn a_dead_whole_ends_with_a_broken_part() {
    let (pieces, told) = cut(&[2], |_, part| matches!(part, Part::Next(_))).await;
    assert_eq!(pieces, [(2, Part::Begin(())), (2, Part::Next(1)), (2, Part::Broken)]);
    assert_eq!(told, ["a stage dropped it"]);
}

#[tokio::test(start_paused = true)]
async fn a_cutter_that_is_dropped_rejects_what_it_was_at() {
    let (deliveries, mut verdicts) = source();
    let mut cutter = Cutter::new(Ones);
    cutter.add(deliveries.deliver([(2, 0)]).next().unwrap());
    cutter.next().await.unwrap().acknowledge();
    assert_eq!(cutter.len(), 1);
    drop(cutter);
    assert_eq!(verdicts.recv().await.unwrap(), "a stage dropped it");
}

/// Delivers these numbers as events of a pipeline, and returns its verdicts.
fn pieces(numbers: Vec<&'static str>) -> (Vec<Event<&'static str, Numbers>>, UnboundedReceiver<String>) {
    let (deliveries, verdicts) = source();
    let mut pieces = Vec::new();
    for delivery in deliveries.deliver(numbers.into_iter().map(|number| (number, 0))) {
        let mut whole = Whole::new(delivery);
        pieces.extend([Part::Begin(()), Part::Next(1), Part::Next(2)].map(|part| whole.piece(part)));
        pieces.push(whole.last(Part::End(())));
    }
    (pieces, verdicts)
}

#[tokio::test(start_paused = true)]
async fn the_other_pieces_of_a_dead_whole_reach_no_function_that_handles_single_events() {
    let (pieces, mut verdicts) = pieces(vec!["bad", "good"]);
    let pieces = std::sync::Mutex::new(Some(pieces));
    let (seen, mut handled) = unbounded_channel();
    let pipeline = Pipeline::builder("pieces")
        .start_fn("files", move || Ok(pieces.lock().unwrap().take().unwrap_or_default()))
        .acknowledged()
        .step_each("refuse", FailurePolicy::skip(), || {
            Ok(each(|piece: Piece<&'static str, Numbers>| async move {
                let refused = *piece.whole == "bad" && piece.part == Part::Next(1);
                if refused { Err("refused") } else { Ok(piece) }
            }))
        })
        .finish_fn("handle", move |piece: Piece<&'static str, Numbers>| {
            seen.send((*piece.whole, piece.number)).unwrap();
        });
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(report.stages[1].events_in, 8);
    let mut told = [verdicts.recv().await.unwrap(), verdicts.recv().await.unwrap()];
    told.sort();
    assert_eq!(told, ["done", "refused"]);
    let mut good = Vec::new();
    while let Some((whole, number)) = handled.recv().await {
        good.extend((whole == "good").then_some(number));
        assert!(whole == "good" || number == 0, "a piece of a dead whole is handled");
    }
    assert_eq!(good, [0, 1, 2, 3]);
}

/// Panics at the part 1 of a file called "bad".
struct Panics;

impl HandlePieces for Panics {
    type Whole = &'static str;
    type In = Numbers;
    type Out = Numbers;
    type State = ();
    type Error = BoxError;

    async fn begin(&mut self, _: &Self::Whole, (): ()) -> Result<((), ()), BoxError> {
        Ok(((), ()))
    }

    async fn next(&mut self, whole: &Self::Whole, (): &mut (), number: u64) -> Result<u64, BoxError> {
        assert!(*whole != "bad" || number != 1, "a step breaks");
        Ok(number)
    }

    async fn end(&mut self, _: &Self::Whole, (): (), (): ()) -> Result<(), BoxError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_panics_at_a_piece_makes_the_wholes_in_hand_dead_and_handles_the_next_ones() {
    let (pieces, mut verdicts) = pieces(vec!["first", "bad", "last"]);
    let pieces = std::sync::Mutex::new(Some(pieces));
    let pipeline = Pipeline::builder("pieces")
        .start_fn("files", move || Ok(pieces.lock().unwrap().take().unwrap_or_default()))
        .acknowledged()
        .step(StepOptions::named("panics").max_demand(1), || Ok(step(Panics)))
        .finish_fn("handle", |_| ());
    let report = pipeline.start().await.unwrap().join().await.unwrap();
    assert_eq!(report.stages[1].restarts, 1);
    let mut told = Vec::new();
    while let Some(verdict) = verdicts.recv().await {
        told.push(verdict);
    }
    told.sort();
    assert_eq!(told, ["a stage dropped it", "done", "done"]);
}
