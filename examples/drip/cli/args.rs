//! The command line's arguments, as clap parses them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand};

use crate::report::is_unsafe;
use crate::repository::Database;
use crate::session::Places;
use crate::store::{Faults, Location};
use crate::walk::Pattern;

/// Owner of uploaded files unless `--user` names another.
const DEFAULT_OWNER: &str = "owner@localhost";

/// Seals files and stores them in a folder or in S3.
#[derive(Debug, Parser)]
#[command(name = "drip", version, arg_required_else_help = true)]
pub struct Args {
    /// The data folder: database, master key, and objects unless --storage is given [default: ./drip-data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Where objects are stored.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help = "Where objects are kept: a folder, file:///folder or s3://bucket/prefix",
        value_parser = |text: &str| Location::parse(text)
    )]
    pub storage: Option<Location>,

    /// Where metadata and the queue are stored: a path of an SQLite file, or postgres://USER:PASSWORD@HOST:PORT/DATABASE,
    /// which several drips with the same master key and storage share
    #[arg(long, global = true, value_name = "URL", value_parser = |text: &str| Database::parse(text))]
    pub database: Option<Database>,

    /// Options of the pipelines: a TOML or JSON file, as in `[upload.steps.encryption] count = 2` (`drip
    /// show` prints all of them)
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Shows the running pipelines on a page at this address [default: a free port of 127.0.0.1], and prints
    /// its address and the token of its controls
    #[arg(long, global = true, value_name = "ADDR", num_args = 0..=1, require_equals = true, default_missing_value = "127.0.0.1:0")]
    pub panel: Option<SocketAddr>,

    /// For tests: makes the storage slow and unreliable, as in `wait=20,fail=30,seed=1` (milliseconds, per
    /// cent)
    #[arg(long, global = true, hide = true, value_name = "FAULTS")]
    pub storage_faults: Option<Faults>,

    /// Logs to stderr: -v the main events, -vv everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// Prints one JSON object on stdout instead of text
    #[arg(long, global = true)]
    pub json: bool,

    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

impl Args {
    /// The locations that these arguments select.
    pub fn places(&self) -> Places {
        Places {
            data: self.data.clone().unwrap_or_else(|| "drip-data".into()),
            storage: self.storage.clone(),
            database: self.database.clone(),
            config: self.config.clone(),
            faults: self.storage_faults,
            panel: self.panel,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Seals and stores files, and folders with everything below them; skips files that are stored already
    /// with the same path, size and modification time. Ctrl-C leaves the rest in the queue and exits with 130
    Upload {
        /// Files and folders; without any, drip continues with what earlier runs left in the queue
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,

        /// Uploads the targets of symbolic links within each PATH; otherwise links are uploaded as links
        #[arg(long)]
        follow: bool,

        /// Retries uploads that failed permanently in earlier runs
        #[arg(long)]
        failed: bool,

        /// Excludes what matches this glob, as `*.o`, `build/` (folders only) or `docs/*.pdf` (below PATH)
        #[arg(long, value_name = "PATTERN", value_parser = |text: &str| text.parse::<Pattern>())]
        exclude: Vec<Pattern>,

        /// Includes hidden folders and those named `target`, which are skipped otherwise
        #[arg(long)]
        hidden: bool,

        /// The owner of the files
        #[arg(long, value_name = "EMAIL", default_value = DEFAULT_OWNER, value_parser = email)]
        user: String,
    },
    /// Downloads files and opens them
    Download {
        /// Ids of the files, as shown by `ls`
        #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,

        /// All files, each in its latest version
        #[arg(long)]
        all: bool,

        /// The folder to write to
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Lists the stored files
    Ls,
    /// Lists the uploads that failed permanently, and why; `upload --failed` retries them
    Failed {
        /// Forgets them
        #[arg(long)]
        forget: bool,
    },
    /// Lists the transfers in the queue, including those that another drip is working on
    Queue {
        /// Only transfers at or below these paths
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,

        /// Removes them from the queue
        #[arg(long)]
        forget: bool,
    },
    /// Reads all stored files to their end, and reports those that cannot be read
    Verify {
        /// Percentage of the files to read; the same ones in every run
        #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u8).range(1..=100))]
        sample: u8,
    },
    /// Removes files from the storage permanently
    Rm {
        /// Ids of the files, as shown by `ls`
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
    /// Rebuilds a lost database from the stored files, or corrects an altered one
    Rebuild,
    /// Ranks the users by the size of their stored files
    Usage,
    /// Shows the options of the pipelines and their origins, as a template for --config
    Show,
    /// Uploads and downloads real files, compares them, and prints statistics
    Demo {
        /// The folder to use [default: the checkout around the current folder, and a generated file of 256
        /// MiB]
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

impl Command {
    /// The name of the command.
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
        return Err(
            "an e-mail address must not contain control characters or characters that reorder a line"
                .to_owned(),
        );
    }
    match text.split_once('@') {
        Some((name, domain)) if !name.is_empty() && !domain.is_empty() && !domain.contains('@') => {
            Ok(text.to_owned())
        }
        _ => Err("an e-mail address must consist of a name, one `@` and a domain".to_owned()),
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
    fn the_page_has_an_address_or_a_free_port() {
        let panel =
            |line: &str| Args::try_parse_from(line.split(' ')).map(|args| args.panel.map(|a| a.to_string()));
        assert_eq!(panel("drip demo --panel").unwrap().as_deref(), Some("127.0.0.1:0"));
        assert_eq!(panel("drip --panel upload a").unwrap().as_deref(), Some("127.0.0.1:0"));
        assert_eq!(panel("drip upload a --panel=0.0.0.0:80").unwrap().as_deref(), Some("0.0.0.0:80"));
        assert_eq!(panel("drip upload a").unwrap(), None);
        assert!(refused("drip demo --panel=here"));
    }

    #[test]
    fn a_user_with_control_characters_in_the_address_is_refused() {
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
            "drip upload a --user invalid",
            "drip upload a --exclude [a",
            "drip upload a --storage ftp://host",
            "drip upload a --database mysql://host/drip",
            "drip upload a --database sqlite://",
            "drip sing",
        ] {
            assert!(refused(line), "{line}");
        }
    }
}
