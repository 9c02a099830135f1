//! Tampered objects: each kind of tampering is detected, and fails its own file alone.

use std::{ffi::OsStr, fs};

use crate::support::{CHUNK, Ended, FRAME_EXTRA, HEADER, Home, Object, TRAILER, bytes, sealed_len};

/// Size of the tampered file: four chunks, the last one short.
const SIZE: usize = 3 * CHUNK + 1234;

/// Uploads a victim between two other files, tampers with its object, and downloads everything: the victim
/// fails with its name and leaves no partial file, the others are restored.
#[track_caller]
fn downloaded_after(tampering: impl FnOnce(&Object)) -> Ended {
    let home = Home::new();
    let files = home.files();
    files.write("before.bin", bytes(1, CHUNK + 1));
    files.write("victim.bin", bytes(2, SIZE));
    files.write("zzz-after.bin", bytes(3, 2 * CHUNK));
    home.upload();
    tampering(&home.object_of(SIZE));

    let ended = home.download_all().expect_code(1);
    home.back().expect_same(&files, &["victim.bin"]);
    ended
}

#[test]
fn a_flipped_byte_in_a_chunk_fails_that_file_and_names_the_chunk() {
    let ended = downloaded_after(|object| object.tamper(|bytes| bytes[Object::frame(2).start + 99] ^= 1));
    ended.expect_one_line("victim.bin", &["chunk 2", "altered"]);
}

#[test]
fn a_flipped_byte_anywhere_fails_that_file() {
    let trailer = sealed_len(SIZE) - TRAILER;
    for at in [0, HEADER - 1, HEADER, Object::frame(1).start - 1, trailer, sealed_len(SIZE) - 1] {
        let ended = downloaded_after(|object| object.tamper(|bytes| bytes[at] ^= 0x80));
        ended.expect_one_line("victim.bin", &[]);
    }
}

#[test]
fn a_truncated_object_fails_that_file_wherever_it_was_cut() {
    let cuts =
        [0, HEADER - 1, HEADER, Object::frame(1).start, Object::frame(1).start + 7, sealed_len(SIZE) - 1];
    for length in cuts {
        let ended = downloaded_after(|object| object.tamper(|bytes| bytes.truncate(length)));
        ended.expect_one_line("victim.bin", &["truncated"]);
    }
}

#[test]
fn an_object_cut_at_a_frame_and_ended_with_its_trailer_fails_that_file() {
    let ended = downloaded_after(|object| {
        object.tamper(|bytes| {
            bytes.drain(Object::frame(2));
        });
    });
    ended.expect_one_line("victim.bin", &[]);
}

#[test]
fn bytes_behind_the_end_fail_that_file() {
    let ended = downloaded_after(|object| object.tamper(|bytes| bytes.extend([0; FRAME_EXTRA])));
    ended.expect_one_line("victim.bin", &[]);
}

#[test]
fn a_swapped_pair_of_chunks_fails_that_file_with_its_own_error() {
    let ended = downloaded_after(|object| {
        object.tamper(|bytes| {
            let (first, second) = bytes.split_at_mut(Object::frame(1).start);
            first[Object::frame(0)].swap_with_slice(&mut second[..CHUNK + FRAME_EXTRA]);
        });
    });
    ended.expect_one_line("victim.bin", &["order"]);
}

#[test]
fn an_object_under_another_key_fails_that_file_with_its_own_error() {
    let other = Home::new();
    other.files().write("victim.bin", bytes(2, SIZE));
    other.upload();
    let foreign = other.object_of(SIZE);
    let ended = downloaded_after(|object| {
        fs::copy(&foreign.path, &object.path).unwrap();
    });
    ended.expect_one_line("victim.bin", &["wrong key"]);
}

#[test]
fn the_object_of_another_file_fails_that_file() {
    let home = Home::new();
    let files = home.files();
    files.write("one.bin", bytes(1, SIZE));
    files.write("two.bin", bytes(2, SIZE + 1));
    home.upload();
    fs::copy(home.object_of(SIZE + 1).path, home.object_of(SIZE).path).unwrap();
    let ended = home.download_all().expect_code(1);
    ended.expect_one_line("one.bin", &[]);
    home.back().expect_same(&files, &["one.bin"]);
}

#[test]
fn the_json_summary_counts_the_file_that_failed() {
    let home = Home::new();
    home.files().write("victim.bin", bytes(1, SIZE));
    home.files().write("other.bin", bytes(2, 1000));
    home.upload();
    home.object_of(SIZE).tamper(|bytes| bytes[HEADER] ^= 1);
    let back = home.back();
    let to = back.path().as_os_str();
    let download = ["--json".as_ref(), "download".as_ref(), "--all".as_ref(), OsStr::new("--to"), to];
    let ended = home.run(download).expect_code(1);
    let summary = ended.json();
    assert_eq!((&summary["files"], &summary["failed"]), (&1.into(), &1.into()), "{summary:#}");
    assert_eq!(summary["bytes"], 1000, "{summary:#}");
    ended.expect_one_line("victim.bin", &["chunk 0"]);
}

#[test]
fn an_object_that_is_gone_fails_that_file() {
    let ended = downloaded_after(|object| fs::remove_file(&object.path).unwrap());
    ended.expect_one_line("victim.bin", &[]);
}
