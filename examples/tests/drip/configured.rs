//! Pipeline options of drip from a file, and errors for invalid ones.

use crate::support::Home;

#[test]
fn the_options_of_a_file_are_those_the_pipeline_runs_with() {
    let home = Home::new();
    home.files().write("a.txt", "a");
    home.files().write(
        "drip.toml",
        "[upload.steps.remote_storage]\nmax_demand = 3\n[download.defaults]\nmax_demand = 4\n",
    );
    let ended = home.run(["upload", "files/a.txt", "--config", "files/drip.toml", "-v"]).expect_code(0);
    assert!(ended.stderr.contains("max_demand = 3"), "{}", ended.told());
    assert!(ended.stderr.contains("# files/drip.toml"), "{}", ended.told());
    home.run(["download", "--all", "--to", "back", "--config", "files/drip.toml"]).expect_code(0);
    assert!(home.back().path().exists());
}

#[test]
fn show_prints_every_option_with_its_origin_as_a_readable_file() {
    let home = Home::new();
    home.files().write("a.txt", "a");
    home.run(["show"]).expect_code(1);
    home.run(["upload", "files/a.txt"]).expect_code(0);
    home.files().write(
        "drip.toml",
        "[upload.steps.remote_storage]\nmax_demand = 3\n[download]\nbackoff.first_seconds = 2\n",
    );
    let shown = home.run(["show", "--config", "files/drip.toml"]).expect_code(0).stdout;
    for line in [
        "# The options of upload and their origins.",
        "[upload.steps.remote_storage]",
        "max_demand = 3                   # files/drip.toml",
        "max_demand = 100                 # the declaration",
        "[download]",
        "backoff.first_seconds = 2        # files/drip.toml",
        "restart = \"permanent\"            # the default",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
    home.files().write("again.toml", &shown);
    let again = home.run(["show", "--config", "files/again.toml"]).expect_code(0).stdout;
    let values = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split('#').next().unwrap_or("").trim_end().to_owned()).collect()
    };
    assert_eq!(values(&shown), values(&again));
    assert!(!again.contains("# the default"), "{again}");
    let json = home.run(["show", "--json"]).expect_code(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["pipelines"][1]["pipeline"], "download");
}

#[test]
fn options_that_are_wrong_are_found_before_anything_is_queued() {
    let home = Home::new();
    home.files().write("a.txt", "a");
    home.files().write(
        "drip.toml",
        "[upload.steps.encryption]\nrestart = 'always'\n[download.defaults]\ncount = 0\n",
    );
    let ended = home.run(["upload", "files/a.txt", "--config", "files/drip.toml"]).expect_code(1);
    assert!(ended.stderr.contains("steps.encryption.restart: expected \"permanent\""), "{}", ended.told());
    // No job was left in the queue for a run without the file.
    home.files().write("b.txt", "b");
    let ended = home.run(["upload", "files/b.txt", "--json"]).expect_code(0);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(json["files"], 1, "{}", ended.told());
    let args = ["download", "--all", "--to", "back", "--config", "files/drip.toml"];
    let ended = home.run(args).expect_code(1);
    assert!(ended.stderr.contains("defaults.count"), "{}", ended.told());
    let ended = home.run(["download", "--to", "back", "no-such-id", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(json["files"], 0, "{}", ended.told());
}

#[test]
fn mistakes_in_the_file_are_reported_and_nothing_is_done() {
    let home = Home::new();
    home.files().write("a.txt", "a");
    home.files().write(
        "drip.toml",
        "[upload.steps.encrpytion]\ncount = 0\n[upload.steps.notifier]\nmax_demand = 0\n",
    );
    let ended = home.run(["upload", "files/a.txt", "--config", "files/drip.toml"]).expect_code(1);
    for told in ["did you mean `encryption`?", "steps.notifier.max_demand", "at least 1, got 0"] {
        assert!(ended.stderr.contains(told), "{told}: {}", ended.told());
    }
    home.files().write("drip.toml", "[uplaod.steps.encryption]\ncount = 1\n");
    let ended = home.run(["upload", "files/a.txt", "--config", "files/drip.toml"]).expect_code(1);
    assert!(ended.stderr.contains("uplaod.steps.encryption.count: unknown pipeline"), "{}", ended.told());
    let ended = home.run(["upload", "files/a.txt", "--config", "files/none.toml"]).expect_code(1);
    assert!(ended.stderr.contains("cannot read files/none.toml"), "{}", ended.told());
}
