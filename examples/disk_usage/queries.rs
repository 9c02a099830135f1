//! The flows: one aggregates the tree, the other joins the owners' sums with the system's users.

use std::cmp::Reverse;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use flow::join::LeftOuter;
use flow::source::{Bytes, RecordFlow, Tree};
use flow::{Flow, FlowError};

use super::args::Args;
use super::totals::Totals;
use super::usage::Usage;

/// The local users of this machine; users of a directory service are shown by number.
const USERS: &str = "/etc/passwd";

/// The usage of an owner.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) uid: u32,
    /// `None` if the number is unknown.
    pub(crate) user: Option<String>,
    pub(crate) usage: Usage,
}

/// Walks the tree; returns the sums and the ranked owners.
pub(crate) async fn run(args: &Args) -> Result<(Totals, Vec<Owner>), FlowError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let mut walk = Flow::from_directory(Tree::new(&args.directory).one_file_system());
    if let Some(stages) = args.stages {
        walk = walk.stages(stages);
    }
    let parts = walk
        .reduce(Totals::default, move |totals, found| totals.add(found, now))
        .on_trigger(|totals, _| ([totals], Totals::default()));
    let totals = parts.fold(Totals::default(), Totals::merge).await?.whole();
    let owners = owners(&totals, args).await?;
    Ok((totals, owners))
}

/// Returns every owner once, with or without a name, the largest first.
async fn owners(totals: &Totals, args: &Args) -> Result<Vec<Owner>, FlowError> {
    let usages: Vec<(u32, Usage)> = totals.owners.iter().map(|(uid, usage)| (*uid, *usage)).collect();
    let by = args.by;
    Flow::from_items(usages)
        .bounded_join(LeftOuter, users(Path::new(USERS)), |(uid, _)| *uid, |(uid, _)| *uid)
        .map(|((uid, usage), user)| Owner { uid, user: user.map(|(_, name)| name), usage })
        .sort(move |one, other| {
            let order = |owner: &Owner| (Reverse(owner.usage.rank(by)), owner.uid);
            order(one).cmp(&order(other))
        })
        .collect()
        .await
}

/// Streams the users of this machine: numbers and names. The first of several names for a number wins.
fn users(file: &Path) -> flow::LayerFlow<flow::time::Untimed, (u32, String)> {
    let files = Some(file).filter(|file| file.exists());
    RecordFlow::<Bytes>::from_byte_lines_of(files)
        .stages(1)
        .filter_map(|line| {
            let line = String::from_utf8_lossy(&line);
            let mut fields = line.split(':');
            let (name, uid) = (fields.next()?, fields.nth(1)?);
            Some((uid.parse().ok()?, name.to_owned()))
        })
        .uniq_by(|(uid, _)| *uid)
        .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_name_of_a_number_is_meant_and_no_file_means_no_names() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("passwd");
        std::fs::write(&file, "root:x:0:0::/:/bin/sh\n# a comment\n+nis\ntoor:x:0:0::/:\nme:x:1000:\n")
            .unwrap();
        let mut known: Vec<_> = users(&file).collect().await.unwrap();
        known.sort();
        assert_eq!(known, [(0, "root".to_owned()), (1000, "me".to_owned())]);
        assert_eq!(users(Path::new("/no/such/file")).count().await.unwrap(), 0);
    }
}
