//! A certificate for servers that encrypt.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::find::installed;

/// The files of a certificate that is its own authority, and of its key, both as PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate, for 127.0.0.1.
    pub certificate: PathBuf,
    /// The key, without a password.
    pub key: PathBuf,
}

impl Certificate {
    /// Creates `server.crt` and `server.key` in `folder`, by `openssl`. If that is missing, prints `skipped: openssl is not
    /// installed` and returns `None`.
    ///
    /// # Panics
    ///
    /// If `openssl` fails, or is missing although the variable `CI_SERVERS` is `required`.
    pub fn create(folder: &Path) -> Option<Self> {
        let program = installed("openssl")?;
        let (certificate, key) = (folder.join("server.crt"), folder.join("server.key"));
        let made = Command::new(program)
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE", "-out"])
            .arg(&certificate)
            .arg("-keyout")
            .arg(&key)
            .output()
            .expect("openssl runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Some(Self { certificate, key })
    }
}
