//! The program that the suites run: drip's own `main`, built beside the tests so that they know its path.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    drip::main()
}
