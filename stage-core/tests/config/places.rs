//! The sources of options: files, maps and variables.

use std::fs;

use stage_core::config::{Overrides, OverridesError};

use crate::support::{option, pipeline};

#[test]
fn files_are_read_by_their_extension() {
    let folder = tempfile::tempdir().unwrap();
    let (toml, json) = (folder.path().join("a.toml"), folder.path().join("B.JSON"));
    fs::write(&toml, "[steps.double]\ncount = 3\nmax_demand = 9\n").unwrap();
    fs::write(&json, r#"{"steps": {"double": {"count": 4}}}"#).unwrap();
    let overrides = Overrides::new().file(&toml).unwrap().file(&json).unwrap();
    let configured = pipeline().configure(&overrides).unwrap();
    assert_eq!(option(&configured, "steps.double.count"), format!("4 from {}", json.display()));
    assert_eq!(option(&configured, "steps.double.max_demand"), format!("9 from {}", toml.display()));
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.toml");
    let error = Overrides::new().file(&missing).unwrap_err();
    assert!(matches!(error, OverridesError::Read { .. }));
    assert_eq!(error.to_string(), format!("cannot read {}", missing.display()));
    assert!(std::error::Error::source(&error).is_some());

    let other = Overrides::new().file("upload.yaml").unwrap_err();
    assert_eq!(other.to_string(), "upload.yaml is neither a .toml nor a .json file");

    let broken = Overrides::new().toml("broken.toml", "strategy = 'one_for_all'\nsteps = {\n").unwrap_err();
    let told = broken.to_string();
    assert!(told.starts_with("broken.toml is not valid TOML: ") && told.contains("line 2"), "{told}");
    let broken = Overrides::new().json("broken.json", "{\n\"steps\": ]").unwrap_err().to_string();
    assert!(broken.starts_with("broken.json is not valid JSON: ") && broken.contains("line 2"), "{broken}");
}

#[test]
fn one_file_can_be_for_several_pipelines() {
    let overrides = Overrides::new()
        .toml(
            "drip.toml",
            "[upload.steps.double]\ncount = 3\n[download.steps.other]\ncount = 2\n[uplaod]\ncount = 1\n",
        )
        .unwrap()
        .variables("DRIP", [("DRIP__UPLOAD__STEPS__REMOTE_STORAGE__COUNT", "4")]);
    let configured = pipeline().configure(&overrides.section("upload")).unwrap();
    assert_eq!(option(&configured, "steps.double.count"), "3 from drip.toml");
    assert_eq!(
        option(&configured, "steps.remote-storage.count"),
        "4 from the variable DRIP__UPLOAD__STEPS__REMOTE_STORAGE__COUNT"
    );
    let strangers: Vec<_> =
        overrides.keys().filter(|key| !key.starts_with("upload.") && !key.starts_with("download.")).collect();
    assert_eq!(strangers, ["uplaod.count"]);
    assert!(overrides.section("nothing").is_empty());
}
