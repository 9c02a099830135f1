//! The ranking of users by stored bytes in `drip usage`, from the real database.

use std::ffi::OsStr;

use crate::support::{Home, bytes};

/// The book's media, each user's in a separate folder.
const MEDIA: [(&str, &[usize]); 5] = [
    ("jose_valim@elixir.br", &[8915, 7644, 5309]),
    ("daniel_caixinha@elixir.pt", &[540]),
    ("andre_albuquerque@elixir.pt", &[8695]),
    ("joe_armstrong@erlang.uk", &[5922]),
    ("mike_williams@erlang.wls", &[]),
];

fn home_with_users() -> Home {
    let home = Home::new();
    for (user, sizes) in MEDIA {
        std::fs::create_dir_all(home.files().path().join(user)).expect("a folder of the user");
        for (seed, size) in (1..).zip(sizes) {
            home.files().write(format!("{user}/{size}.bin"), bytes(seed, *size));
        }
        let folder = home.files().path().join(user);
        home.run([OsStr::new("upload"), folder.as_os_str(), "--user".as_ref(), user.as_ref()]).expect_code(0);
    }
    home
}

#[test]
fn users_are_ranked_by_stored_size_and_those_without_files_come_last() {
    let home = home_with_users();
    let told = home.run(["--json", "usage"]).expect_code(0).json();
    let rows = told["users"].as_array().expect("users");
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            (row["user"].as_str().unwrap(), row["files"].as_u64().unwrap(), row["bytes"].as_u64().unwrap())
        })
        .collect();
    let expected = [
        ("jose_valim@elixir.br", 3, 21868),
        ("andre_albuquerque@elixir.pt", 1, 8695),
        ("joe_armstrong@erlang.uk", 1, 5922),
        ("daniel_caixinha@elixir.pt", 1, 540),
        ("mike_williams@erlang.wls", 0, 0),
    ];
    assert_eq!(rows, expected);
    assert_eq!((told["files"].as_u64(), told["bytes"].as_u64()), (Some(6), Some(21868 + 8695 + 5922 + 540)));

    let shown = home.run(["usage"]).expect_code(0);
    let line = shown.lines_about("jose_valim@elixir.br");
    assert!(line[0].contains("21.9 kB") && line[0].contains("59.1 %") && line[0].contains('█'), "{line:?}");
}

#[test]
fn nothing_stored_is_an_answer() {
    let told = Home::new().run(["--json", "usage"]).expect_code(0).json();
    assert_eq!((told["files"].as_u64(), told["users"].as_array().map(Vec::len)), (Some(0), Some(0)));
}
