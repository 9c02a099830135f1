//! The lines of a file of clicks, or generated ones.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Pages of the generated clicks; the first one is a search robot's.
const PAGES: [&str; 5] = ["/robots.txt", "/shop/shoes", "/shop/hats", "/help/returns", "/news/today"];

/// Yields lines one by one.
#[derive(Debug)]
pub(crate) enum Lines {
    File(BufReader<File>),
    Generated { next: u64, end: u64 },
}

impl Lines {
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let file =
            File::open(path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
        Ok(Self::File(BufReader::new(file)))
    }

    pub(crate) const fn generated(clicks: u64) -> Self {
        Self::Generated { next: 0, end: clicks }
    }

    /// Returns the next line that is not empty; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<String>> {
        match self {
            Self::File(file) => loop {
                let mut line = String::new();
                if file.read_line(&mut line)? == 0 {
                    return Ok(None);
                }
                let line = line.trim();
                if !line.is_empty() {
                    return Ok(Some(line.to_owned()));
                }
            },
            Self::Generated { next, end } => {
                let more = *next < *end;
                *next += u64::from(more);
                Ok(more.then(|| generated(*next)))
            }
        }
    }
}

/// Generates click number `number`: a hundred per second, by customers with small and large numbers of clicks.
fn generated(number: u64) -> String {
    // Any mixing function would do; this is the finalizer of MurmurHash3.
    let mut random = number.wrapping_mul(0xff51_afd7_ed55_8ccd);
    random ^= random >> 33;
    random = random.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    random ^= random >> 33;
    // The least of three numbers below 50: small ones are frequent.
    let customer = (random % 50).min(random / 50 % 50).min(random / 2500 % 50);
    let page = PAGES[usize::try_from(random / 125_000 % 5).unwrap_or_default()];
    format!("{} customer-{customer} {page}", number * 10)
}
