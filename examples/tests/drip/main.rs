//! End-to-end tests of the program `drip`: they run it as a user would, and check its files, output and exit
//! codes.
#![forbid(unsafe_code)]

mod again;
mod arguments;
mod configured;
mod demo;
mod faulty_storage;
mod full_disk;
mod interrupted;
mod key;
mod listing;
mod lost_database;
mod machines;
mod odd_places;
mod outage;
mod power_cut;
mod queue_command;
mod refused;
mod restored;
mod round_trip;
mod second_drip;
mod shared_bucket;
mod shared_database;
mod support;
mod system_tree;
mod tampering;
mod under_fire;
mod usage;
