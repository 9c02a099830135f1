//! Does drip take the options of its pipelines from a file, and refuse what is wrong in it?

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
fn what_is_wrong_in_the_file_is_told_and_nothing_is_done() {
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
    assert!(
        ended.stderr.contains("uplaod.steps.encryption.count: there is no such pipeline"),
        "{}",
        ended.told()
    );
    let ended = home.run(["upload", "files/a.txt", "--config", "files/none.toml"]).expect_code(1);
    assert!(ended.stderr.contains("cannot read files/none.toml"), "{}", ended.told());
}
