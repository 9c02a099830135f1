//! Hashes of the original, as tables, because its figures depend on them.

use stage_core::dispatch::stable_hash;

/// The partitions of the numbers 1 to 200, of four.
const OF_FOUR: &[u8; 200] =
    b"2033202021212132212331112323122232203300101331112311031320011110320211101120320030121300232231123321\
2020133133101323312332211030212321212321003200220332120133223033002132300020303111302303233113213210";

/// The partitions of the numbers 0 to 20, of two.
const OF_TWO: &[u8; 21] = b"100110000010101100101";

/// Returns the partition of `number`, from 1 to 200, of four.
pub(crate) fn of_four(number: u64) -> usize {
    digit(OF_FOUR, number - 1)
}

/// Returns the partition of `number`, from 0 to 20, of two.
pub(crate) fn of_two(number: u64) -> usize {
    digit(OF_TWO, number)
}

/// Routes a number to one of four partitions, as the original does.
#[allow(clippy::unnecessary_wraps, reason = "a route may also lead nowhere")]
pub(crate) fn to_four(number: u64) -> Option<(u64, usize)> {
    Some((number, of_four(number)))
}

fn digit(table: &[u8], at: u64) -> usize {
    usize::from(table[usize::try_from(at).unwrap()] - b'0')
}

/// Returns a key whose hash leads to `partition` of `of` partitions, for flows that only route by key.
pub(crate) fn key_to(partition: usize, of: u64) -> u64 {
    (0..10_000).find(|key| stable_hash(key) % of == partition as u64).unwrap()
}

#[test]
fn the_tables_reproduce_the_figures_that_were_checked_against_the_original() {
    let members =
        |partition| (1..=10).filter(move |number| of_four(*number) == partition).collect::<Vec<_>>();
    assert_eq!([0, 1, 2, 3].map(members), [vec![2, 6, 8], vec![10], vec![1, 5, 7, 9], vec![3, 4]]);
    let members = |partition| (1..=6).filter(move |number| of_two(*number) == partition).collect::<Vec<_>>();
    assert_eq!(members(0), [1, 2, 5, 6]);
}

#[test]
fn a_key_is_found_for_every_partition() {
    for partition in 0..4 {
        assert_eq!(stable_hash(&key_to(partition, 4)) % 4, partition as u64);
    }
}
