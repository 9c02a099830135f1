//! Runs parts of a measurement in processes of their own, as a peak of memory is that of a process.

use std::{
    env,
    error::Error,
    process::{Command, Stdio},
};

/// Runs this program with these arguments; returns the text that it prints.
pub(crate) fn printed(arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let output = Command::new(env::current_exe()?).args(arguments).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("`{}` failed", arguments.join(" ")).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
