//! Certificates for servers that encrypt, and for their clients.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::find::installed;

/// The files of a certificate and of its key, both as PEM.
///
/// ```no_run
/// use std::path::Path;
///
/// use stage_connect::laws::Certificate;
///
/// fn test(folder: &Path) {
///     let Some(Certificate { certificate, key }) = Certificate::create(folder) else { return };
///     println!("the server has {}, with the key {}", certificate.display(), key.display());
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate, for 127.0.0.1.
    pub certificate: PathBuf,
    /// The key, without a password.
    pub key: PathBuf,
}

impl Certificate {
    /// Creates `server.crt` and `server.key` in `folder`, by `openssl`: a certificate that is its own authority. If `openssl`
    /// is missing, prints `skipped: openssl is not installed` and returns `None`.
    ///
    /// # Panics
    ///
    /// If `openssl` fails, or is missing although the variable `CI_SERVERS` is `required`.
    pub fn create(folder: &Path) -> Option<Self> {
        Some(Self::of(&installed("openssl")?, folder, "server", END))
    }

    fn of<A: AsRef<OsStr>>(program: &Path, folder: &Path, name: &str, arguments: &[A]) -> Self {
        let file = |ending: &str| folder.join(format!("{name}.{ending}"));
        let (certificate, key) = (file("crt"), file("key"));
        let made = Command::new(program)
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-days", "2", "-subj", &format!("/CN={name}")])
            .args(arguments)
            .arg("-out")
            .arg(&certificate)
            .arg("-keyout")
            .arg(&key)
            .output()
            .expect("openssl runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { certificate, key }
    }
}

/// The arguments for a certificate that certifies no other one.
const END: &[&str] =
    &["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"];

/// An authority for the certificates of servers and clients that authenticate each other.
///
/// ```no_run
/// use std::path::Path;
///
/// use stage_connect::laws::Authority;
///
/// fn test(folder: &Path) {
///     let Some(authority) = Authority::create(folder) else { return };
///     let (server, client) = (authority.certify("server"), authority.certify("client"));
///     println!("both trust {}", authority.certificate.display());
///     println!("one has {}, the other {}", server.certificate.display(), client.certificate.display());
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Authority {
    program: PathBuf,
    folder: PathBuf,
    /// The file of its own certificate, as PEM.
    pub certificate: PathBuf,
}

impl Authority {
    /// Creates an authority with its files in `folder`, by `openssl`. If that is missing, prints `skipped: openssl is not
    /// installed` and returns `None`.
    ///
    /// # Panics
    ///
    /// If `openssl` fails, or is missing although the variable `CI_SERVERS` is `required`.
    pub fn create(folder: &Path) -> Option<Self> {
        let program = installed("openssl")?;
        let Certificate { certificate, .. } = Certificate::of(&program, folder, "authority", &[""; 0]);
        Some(Self { program, folder: folder.to_owned(), certificate })
    }

    /// Creates `NAME.crt` and `NAME.key`: a certificate for a server at 127.0.0.1, or for a client.
    ///
    /// # Panics
    ///
    /// If `openssl` fails.
    pub fn certify(&self, name: &str) -> Certificate {
        let authority_key = self.folder.join("authority.key");
        let mut arguments = vec![OsStr::new("-CA"), self.certificate.as_ref()];
        arguments.extend([OsStr::new("-CAkey"), authority_key.as_ref()]);
        arguments.extend(["-addext", "extendedKeyUsage=serverAuth,clientAuth"].map(OsStr::new));
        arguments.extend(END.iter().map(OsStr::new));
        Certificate::of(&self.program, &self.folder, name, &arguments)
    }
}
