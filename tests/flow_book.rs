//! Queries of the book over its users and media: the same results, or an error where the book is wrong.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use flow::join::{Inner, LeftOuter};
use flow::{Flow, FlowError};

/// A stored user.
#[derive(Clone, Copy, Debug)]
struct User {
    id: usize,
    address: &'static str,
}

/// A displayed user.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PrettyUser {
    id: usize,
    full_name: String,
    country: String,
    preferences: String,
}

/// A medium of the streamlined set.
#[derive(Clone, Copy, Debug)]
struct Media {
    id: u64,
    user: usize,
    file_name: &'static str,
    size: u64,
}

const USERS: [&str; 9] = [
    "andre_albuquerque@elixir.pt",
    "daniel_caixinha@elixir.pt",
    "jose_valim@elixir.br",
    "joe_armstrong@erlang.uk",
    "robert_virding@erlang.se",
    "mike_williams@erlang.wls",
    "jose_lusquinos@panda.pt",
    "atenas@meow.cat",
    "billy_boy@woof.dog",
];

fn users() -> Vec<User> {
    USERS.iter().enumerate().map(|(index, address)| User { id: index + 1, address }).collect()
}

fn media() -> Vec<Media> {
    let all = [
        (1, 3, "a.md", 8915),
        (4, 3, "b.mp4", 7644),
        (6, 3, "c.jpg", 5309),
        (2, 2, "d.txt", 540),
        (3, 1, "e.pdf", 8695),
        (5, 4, "f.ex", 5922),
    ];
    all.map(|(id, user, file_name, size)| Media { id, user, file_name, size }).into()
}

fn pretty(user: User) -> PrettyUser {
    let (name, domain) = user.address.split_once('@').unwrap_or_default();
    let capitalised = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
    };
    let words: Vec<_> = name.split('_').filter_map(capitalised).collect();
    PrettyUser {
        id: user.id,
        full_name: words.join(" "),
        country: domain.rsplit('.').next().unwrap_or_default().to_uppercase(),
        preferences: domain.split('.').next().unwrap_or_default().to_owned(),
    }
}

fn count(counts: &mut BTreeMap<usize, u64>, medium: Media) {
    *counts.entry(medium.user).or_default() += 1;
}

fn expected() -> Vec<(usize, u64)> {
    vec![(1, 1), (2, 1), (3, 3), (4, 1)]
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

#[test]
fn users_are_shown_as_in_the_book() {
    let mike = pretty(users()[5]);
    let expected = PrettyUser {
        id: 6,
        full_name: "Mike Williams".to_owned(),
        country: "WLS".to_owned(),
        preferences: "erlang".to_owned(),
    };
    assert_eq!(mike, expected);
    assert_eq!(pretty(users()[7]).full_name, "Atenas");
}

#[tokio::test]
async fn files_by_user_v1_without_a_partition_has_only_partial_counts() {
    let partial =
        Flow::from_items(media()).max_demand(1).min_demand(0).stages(4).reduce(BTreeMap::new, count);
    let counts: Vec<(usize, u64)> = partial.emit().collect().await.unwrap();
    // The distribution of files over the stages is unspecified; only their total is.
    let mut sums = BTreeMap::new();
    for (user, count) in &counts {
        *sums.entry(*user).or_default() += count;
    }
    assert_eq!(sums.into_iter().collect::<Vec<_>>(), expected());
    assert!(counts.len() <= 6);
}

#[tokio::test]
async fn files_by_user_v2_with_a_hash_that_fits_is_right() {
    let flow = Flow::from_items(media())
        .stages(4)
        .max_demand(1)
        .min_demand(0)
        .partition_with(|medium| Some((medium, medium.user - 1)))
        .stages(4)
        .reduce(BTreeMap::new, count)
        .emit();
    assert_eq!(sorted(flow.collect::<Vec<_>>().await.unwrap()), expected());
}

#[tokio::test]
async fn files_by_user_v2_with_an_unsuitable_hash_is_an_error_and_loses_no_user_silently() {
    let flow = Flow::from_items(media())
        .partition_with(|medium| Some((medium, medium.user)))
        .stages(4)
        .reduce(BTreeMap::new, count)
        .emit();
    let error = flow.collect::<Vec<_>>().await.unwrap_err();
    assert!(matches!(error, FlowError::Partition { partition: 4, last: 3, .. }), "{error}");
}

#[tokio::test]
async fn files_by_user_v3_by_key_is_right_for_any_number_of_stages() {
    for stages in [1, 2, 4, 9] {
        let flow = Flow::from_items(media())
            .max_demand(1)
            .min_demand(0)
            .partition(|medium| medium.user)
            .stages(stages)
            .reduce(BTreeMap::new, count)
            .emit();
        assert_eq!(sorted(flow.collect::<Vec<_>>().await.unwrap()), expected(), "{stages} stages");
    }
    let counted = Flow::from_items(media()).count_by(|medium| medium.user);
    assert_eq!(sorted(counted.collect::<Vec<_>>().await.unwrap()), expected());
}

/// Returns the size of all media of each user.
fn disk_usage() -> flow::LayerFlow<flow::time::Untimed, (usize, u64)> {
    Flow::from_items(media())
        .partition(|medium| medium.user)
        .reduce(BTreeMap::new, |sizes, medium: Media| *sizes.entry(medium.user).or_default() += medium.size)
        .emit()
}

#[tokio::test]
async fn disk_usage_adds_the_sizes_of_each_user() {
    let expected = [(1, 8695), (2, 540), (3, 21868), (4, 5922)];
    assert_eq!(sorted(disk_usage().collect::<Vec<_>>().await.unwrap()), expected);
    let summed = Flow::from_items(media()).sum_by(|medium| medium.user, |medium| medium.size);
    assert_eq!(sorted(summed.collect::<Vec<_>>().await.unwrap()), expected);
}

#[tokio::test]
async fn the_ranking_v1_lists_users_with_files() {
    let ranking = Flow::from_items(users())
        .map(pretty)
        .bounded_join(Inner, disk_usage(), |user| user.id, |usage| usage.0)
        .map(|(user, (_, size))| (size, user.full_name))
        .take_sort(10, |one, other| other.cmp(one));
    let ranking: Vec<Vec<(u64, String)>> = ranking.collect().await.unwrap();
    let shown: Vec<_> = ranking[0]
        .iter()
        .map(|(size, name)| format!("{name} {}", f64::from(u32::try_from(*size).unwrap()) / 1000.0))
        .collect();
    let expected =
        ["Jose Valim 21.868", "Andre Albuquerque 8.695", "Joe Armstrong 5.922", "Daniel Caixinha 0.54"];
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn the_ranking_v2_lists_every_user() {
    let ranking = Flow::from_items(users())
        .map(pretty)
        .bounded_join(LeftOuter, disk_usage(), |user| user.id, |usage| usage.0)
        .map(|(user, usage)| (usage.map_or(0, |(_, size)| size), user.full_name))
        .sort(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    let ranking: Vec<(u64, String)> = ranking.collect().await.unwrap();
    let ranking: Vec<_> = ranking.iter().map(|(size, name)| (name.as_str(), *size)).collect();
    let expected = [
        ("Jose Valim", 21868),
        ("Andre Albuquerque", 8695),
        ("Joe Armstrong", 5922),
        ("Daniel Caixinha", 540),
        ("Atenas", 0),
        ("Billy Boy", 0),
        ("Jose Lusquinos", 0),
        ("Mike Williams", 0),
        ("Robert Virding", 0),
    ];
    assert_eq!(ranking, expected);
}

#[tokio::test]
async fn the_media_are_those_of_the_book() {
    let all =
        Flow::from_items(media()).map(|medium| (medium.id, medium.file_name.contains('.'), medium.size));
    let all = sorted(all.collect::<Vec<_>>().await.unwrap());
    assert_eq!(all.len(), 6);
    assert!(all.iter().all(|(id, named, size)| (1..=6).contains(id) && *named && *size > 0));
}
