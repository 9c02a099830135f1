//! Reads gzip data, member after member.

use std::io::{self, BufRead, ErrorKind, Read};

use flate2::bufread::GzDecoder;

use super::counted::Counted;

const GZIP: &str = "gzip";
const MAGIC: [u8; 2] = [0x1F, 0x8B];

/// Reads the members of `R` as one stream. Zeros after the last are padding, as for `zcat`; anything else is
/// an error.
pub(super) struct Members<R> {
    /// `None` after an error, or at the end.
    state: Option<State<R>>,
}

enum State<R> {
    /// Before a member, or at the end of the file.
    Between(Counted<R>),
    Inside {
        member: Box<GzDecoder<Counted<R>>>,
        /// The position of the member in the file.
        begun: u64,
    },
}

impl<R: Read> Members<R> {
    pub(super) fn new(input: R) -> Self {
        Self { state: Some(State::Between(Counted::new(input))) }
    }

    /// Begins the next member, if there is one.
    fn begin(mut input: Counted<R>) -> io::Result<Option<State<R>>> {
        let begun = input.at();
        // The decoder reports the error of an empty file.
        if begun > 0 && input.ends_with_zeros()? {
            return Ok(None);
        }
        let known = input.fill_buf()?;
        let looks_right = known.iter().zip(MAGIC).all(|(is, right)| *is == right);
        if !looks_right || input.at() > begun {
            return Err(input.foreign(GZIP));
        }
        Ok(Some(State::Inside { member: Box::new(GzDecoder::new(input)), begun }))
    }
}

impl<R: Read> Read for Members<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.state.take() {
                None => return Ok(0),
                Some(State::Between(input)) => self.state = Self::begin(input)?,
                Some(State::Inside { mut member, begun }) => match member.read(into) {
                    Ok(0) if !into.is_empty() => self.state = Some(State::Between(member.into_inner())),
                    Ok(read) => {
                        self.state = Some(State::Inside { member, begun });
                        return Ok(read);
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {
                        self.state = Some(State::Inside { member, begun });
                    }
                    Err(error) => return Err(member.get_mut().failed(GZIP, begun, &error.to_string())),
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    }

    /// Unpacks; returns the bytes read, and the error that ended them.
    fn unpacked(packed: &[u8]) -> (Vec<u8>, Option<String>) {
        let mut all = Vec::new();
        let read = Members::new(packed).read_to_end(&mut all);
        (all, read.err().map(|error| error.to_string()))
    }

    #[test]
    fn members_are_read_as_one_and_zeros_behind_them_are_padding() {
        let two = [packed(b"one\n"), packed(b""), packed(b"two\n")].concat();
        for padding in [0, 1, 512, 100_000] {
            let padded = [two.clone(), vec![0; padding]].concat();
            assert_eq!(unpacked(&padded), (b"one\ntwo\n".to_vec(), None));
        }
    }

    #[test]
    fn other_data_than_gzip_is_an_error_with_its_place() {
        let one = packed(b"one\n");
        let length = one.len();
        let cases = [
            (
                b"one\ntwo\n".to_vec(),
                String::new(),
                "it is not a gzip file: it begins with the bytes 6f 6e 65 0a".to_owned(),
            ),
            (
                vec![0; 8],
                String::new(),
                "it is not a gzip file: it begins with the bytes 00 00 00 00".to_owned(),
            ),
            (
                [one.clone(), b"xy".to_vec()].concat(),
                "one\n".to_owned(),
                format!(
                    "the gzip data is followed by other data, the bytes 78 79 at byte {length} of the file"
                ),
            ),
            (
                [one.clone(), vec![0; 7], one].concat(),
                "one\n".to_owned(),
                format!(
                    "the gzip data is followed by other data, the bytes 1f 8b 08 00 at byte {} of the file",
                    length + 7
                ),
            ),
        ];
        for (bytes, before, said) in cases {
            assert_eq!(unpacked(&bytes), (before.into_bytes(), Some(said)));
        }
    }

    #[test]
    fn truncated_data_is_read_up_to_the_cut_and_the_error_has_its_place() {
        let (one, text) = (packed(b"one\n"), b"a line of some length\n".repeat(10_000));
        let whole = [one.clone(), packed(&text)].concat();
        for cut in [one.len() + 1, one.len() + 9, whole.len() / 2, whole.len() - 4] {
            let (read, error) = unpacked(&whole[..cut]);
            assert!([&b"one\n"[..], &text].concat().starts_with(&read) && read.len() >= 4);
            let begun = one.len();
            let said =
                format!("the gzip data that begins at byte {begun} of the file is truncated at byte {cut}");
            assert_eq!(error, Some(said));
        }
        assert_eq!(
            unpacked(b"").1.unwrap(),
            "the gzip data that begins at byte 0 of the file is truncated at byte 0"
        );
    }

    #[test]
    fn damaged_data_is_an_error_with_its_place() {
        let mut wrong_sum = packed(b"one\n");
        let sum = wrong_sum.len() - 6;
        wrong_sum[sum] ^= 1;
        let (read, error) = unpacked(&wrong_sum);
        assert_eq!(read, b"one\n");
        let error = error.unwrap();
        assert!(error.starts_with("the gzip data is damaged near byte 24 of the file: "), "{error}");
    }
}
