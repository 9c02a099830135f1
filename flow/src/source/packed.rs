//! Packed files by lines: they cannot be split, so one stage unpacks each file and feeds the stages of the
//! layer.

use std::path::Path;

use super::NoStamp;
use super::decode::Text;
use super::lines::paths;
use super::packing::Packing;
use super::records::{Ending, Records};
use crate::chain::Start;
use crate::flow::Flow;
use crate::plan::Sourced;

/// A flow of the lines of packed files, each unpacked by one stage.
pub type PackedFlow = Flow<Start<Sourced<Records<Text>, NoStamp>>>;

impl PackedFlow {
    /// Reads the lines of files packed by gzip, of one or several members each, as
    /// [`from_lines`](Flow::from_lines) does those of plain files. Zeros after the last member are padding.
    /// Requires feature `gzip`.
    ///
    /// ```
    /// use std::io::Write;
    /// use flow::Flow;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("lines.gz");
    /// let mut packed = flate2::write::GzEncoder::new(std::fs::File::create(&path)?, flate2::Compression::fast());
    /// packed.write_all(b"one\ntwo\n")?;
    /// packed.finish()?;
    /// let lines: Vec<String> = Flow::from_gzip_lines([&path]).stages(1).collect().await?;
    /// assert_eq!(lines, ["one", "two"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The run fails with a [`ReadError`](super::ReadError) if a file cannot be read, is damaged or
    /// truncated, is followed by other data, or its lines are too long or not UTF-8. The lines before that
    /// position are delivered first.
    #[cfg(feature = "gzip")]
    pub fn from_gzip_lines(files: impl IntoIterator<Item: AsRef<Path>>) -> Self {
        Self::packed(files, Packing::Gzip)
    }

    /// Reads the lines of files packed by zstd, of one or several frames each, as
    /// [`from_lines`](Flow::from_lines) does those of plain files. Zeros after the last frame are padding.
    /// Requires feature `zstd`.
    ///
    /// ```
    /// use flow::Flow;
    /// use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("lines.zst");
    /// std::fs::write(&path, compress_to_vec(&b"one\ntwo\n"[..], CompressionLevel::Fastest))?;
    /// let lines: Vec<String> = Flow::from_zstd_lines([&path]).stages(1).collect().await?;
    /// assert_eq!(lines, ["one", "two"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The run fails with a [`ReadError`](super::ReadError) if a file cannot be read, is damaged or
    /// truncated, is followed by other data, or its lines are too long or not UTF-8. The lines before that
    /// position are delivered first.
    #[cfg(feature = "zstd")]
    pub fn from_zstd_lines(files: impl IntoIterator<Item: AsRef<Path>>) -> Self {
        Self::packed(files, Packing::Zstd)
    }

    /// Sets the maximum number of bytes of a line, as
    /// [`max_record_bytes`](super::RecordFlow::max_record_bytes) does for plain files. Default: 16 MiB.
    pub fn max_record_bytes(mut self, bytes: usize) -> Self {
        let Sourced { source, .. } = self.chain.origin;
        self.chain.origin = Sourced { source: source.of_at_most(bytes), stamper: NoStamp };
        self
    }

    fn packed(files: impl IntoIterator<Item: AsRef<Path>>, packing: Packing) -> Self {
        let source = Records::new(paths(files), Ending::Line, packing, Text);
        Self::at(Sourced { source, stamper: NoStamp })
    }
}
