//! What may be asked.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand};

use crate::report::is_unsafe;
use crate::repository::Database;
use crate::session::Places;
use crate::store::{Faults, Location};
use crate::walk::Pattern;

/// Whose files are uploaded if nobody says.
const NOBODY: &str = "owner@localhost";

/// Seals files and keeps them: in a folder, or in S3.
#[derive(Debug, Parser)]
#[command(name = "drip", version, arg_required_else_help = true)]
pub struct Args {
    /// The data folder: database, master key, and objects unless --storage says otherwise [default: ./drip-data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Where objects are kept.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help = "Where objects are kept: a folder, file:///folder or s3://bucket/prefix",
        value_parser = |text: &str| Location::parse(text)
    )]
    pub storage: Option<Location>,

    /// Where metadata and the queue are kept: a path of an SQLite file (postgres://… is not built yet)
    #[arg(long, global = true, value_name = "URL", value_parser = |text: &str| Database::parse(text))]
    pub database: Option<Database>,

    /// Options of the pipelines: a TOML or JSON file, as in `[upload.steps.encryption] count = 2` (`drip show` has them all)
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// For tests: the storage is slow and fails, as in `wait=20,fail=30,seed=1` (milliseconds, per cent)
    #[arg(long, global = true, hide = true, value_name = "FAULTS")]
    pub storage_faults: Option<Faults>,

    /// Tells more on stderr: -v what happens, -vv everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// Prints one JSON object on stdout instead of words
    #[arg(long, global = true)]
    pub json: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Args {
    /// Where everything is.
    pub fn places(&self) -> Places {
        Places {
            data: self.data.clone().unwrap_or_else(|| "drip-data".into()),
            storage: self.storage.clone(),
            database: self.database.clone(),
            config: self.config.clone(),
            faults: self.storage_faults,
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Seals files and stores them, folders with all that is below them; what is stored as it is, by path, size and time of
    /// modification, is not stored again. Ctrl-C leaves the rest in the queue, and ends with 130
    Upload {
        /// Files and folders; without any, drip goes on with what earlier runs left in the queue
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,

        /// Uploads what symbolic links lead to within each PATH; else links are uploaded as links
        #[arg(long)]
        follow: bool,

        /// Also those that failed for good in earlier runs
        #[arg(long)]
        failed: bool,

        /// Leaves out what this glob stands for, as `*.o`, `build/` (folders only) or `docs/*.pdf` (below PATH)
        #[arg(long, value_name = "PATTERN", value_parser = |text: &str| text.parse::<Pattern>())]
        exclude: Vec<Pattern>,

        /// Takes hidden folders and those called `target`, which are left out otherwise
        #[arg(long)]
        hidden: bool,

        /// Whose files they are
        #[arg(long, value_name = "EMAIL", default_value = NOBODY, value_parser = email)]
        user: String,
    },
    /// Fetches files and opens them
    Download {
        /// Which files, by the ids that `ls` shows
        #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,

        /// All of them, each in its latest version
        #[arg(long)]
        all: bool,

        /// The folder to write them to
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Lists what is stored
    Ls,
    /// Lists the uploads that failed for good, and why; `upload --failed` tries them again
    Failed {
        /// Forgets them
        #[arg(long)]
        forget: bool,
    },
    /// Lists what waits in the queue, those transfers too that another drip is at work on
    Queue {
        /// Only what is at or below these paths
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,

        /// Takes it out of the queue
        #[arg(long)]
        forget: bool,
    },
    /// Reads everything that is stored to its end, and says what cannot be read
    Verify {
        /// Of a hundred files so many; the same ones in every run
        #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u8).range(1..=100))]
        sample: u8,
    },
    /// Removes files from the storage for good
    Rm {
        /// Which files, by the ids that `ls` shows
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
    /// Makes a lost database anew from the stored files, and corrects one that was altered
    Rebuild,
    /// Ranks the users by how much they store
    Usage,
    /// Shows the options the pipelines run with and where each is from, as a file for --config to begin with
    Show,
    /// Uploads and downloads real files, compares them, and shows the figures
    Demo {
        /// The folder to take [default: the checkout around the current folder, and a generated file of 256 MiB]
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

impl Command {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Upload { .. } => "upload",
            Self::Download { .. } => "download",
            Self::Ls => "ls",
            Self::Failed { .. } => "failed",
            Self::Queue { .. } => "queue",
            Self::Verify { .. } => "verify",
            Self::Rm { .. } => "rm",
            Self::Rebuild => "rebuild",
            Self::Usage => "usage",
            Self::Show => "show",
            Self::Demo { .. } => "demo",
        }
    }
}

fn email(text: &str) -> Result<String, String> {
    if text.chars().any(is_unsafe) {
        return Err("an e-mail address has no control characters and none that reorder a line".to_owned());
    }
    match text.split_once('@') {
        Some((name, domain)) if !name.is_empty() && !domain.is_empty() && !domain.contains('@') => {
            Ok(text.to_owned())
        }
        _ => Err("an e-mail address has a name, one `@` and a domain".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn refused(line: &str) -> bool {
        Args::try_parse_from(line.split(' ')).is_err()
    }

    #[test]
    fn the_declared_arguments_agree_with_each_other() {
        Args::command().debug_assert();
    }

    #[test]
    fn global_options_stand_anywhere() {
        let args = Args::try_parse_from("drip upload a --data d --json -vv".split(' ')).unwrap();
        assert_eq!((args.places().data, args.json, args.verbose), ("d".into(), true, 2));
    }

    #[test]
    fn a_user_whose_address_would_change_the_terminal_is_refused() {
        for user in ["a@\u{1b}[31mb", "a@b\nc", "a\u{202e}@b"] {
            assert!(Args::try_parse_from(["drip", "upload", "a", "--user", user]).is_err(), "{user:?}");
        }
    }

    #[test]
    fn bad_usage_is_refused() {
        for line in [
            "drip",
            "drip download --to x",
            "drip download --all",
            "drip download --all id --to x",
            "drip upload a --user nobody",
            "drip upload a --exclude [a",
            "drip upload a --storage ftp://host",
            "drip upload a --database postgres://host/drip",
            "drip sing",
        ] {
            assert!(refused(line), "{line}");
        }
    }
}
